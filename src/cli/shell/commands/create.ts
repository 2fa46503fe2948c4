import type { CreateOptions } from '../../../client/zk/zk-client.ts'
import { oneLine } from '../../../printable.ts'
import type { CreateMode } from '../../../protocol/zk/messages.ts'
import { parseAcl } from '../acl-text.ts'
import { type OptionSpec, type ParsedWords, UsageError } from '../parse-line.ts'
import { type ShellCommand, wordAt } from './shell-command.ts'

/** Used by `create`, as a command and in a multi. */
export const createOptions: OptionSpec = { s: 'flag', e: 'flag', c: 'flag', t: 'value' }
export const createWords = { min: 1, max: 3 } as const

export const create: ShellCommand = {
  name: 'create',
  usage: '[-s] [-e] [-c] [-t ttl] path [data] [acl]',
  about:
    'creates a znode; -s numbered, -e until this session ends, -c until its last child is gone, -t ttl in ms',
  options: createOptions,
  words: createWords,
  async run(shell, words) {
    const { path } = await shell.zk.create(wordAt(words, 0), words.rest[1], createOptionsOf(words))
    shell.print(`Created ${oneLine(path)}`)
  },
}

/** @throws UsageError for incompatible options, or an invalid TTL or ACL */
export function createOptionsOf(words: ParsedWords): CreateOptions & { mode: CreateMode } {
  const acl = words.rest[2]
  const ttlMs = ttlOf(words)
  return {
    mode: createModeOf(words),
    ...(acl === undefined ? {} : { acl: parseAcl(acl) }),
    ...(ttlMs === undefined ? {} : { ttlMs }),
  }
}

function createModeOf({ flags, values }: ParsedWords): CreateMode {
  const [e, s, c, t] = [flags.has('e'), flags.has('s'), flags.has('c'), values.has('t')]
  if (c && (e || s)) {
    const why = 'Containers cannot be ephemeral or sequential.'
    throw new UsageError(`-c cannot be combined with -s or -e. ${why}`)
  }
  if (t && e) throw new UsageError('TTLs cannot be used with Ephemeral znodes')
  if (t && c) throw new UsageError('TTLs cannot be used with Container znodes')
  if (c) return 'container'
  if (e) return s ? 'ephemeralSequential' : 'ephemeral'
  if (t) return s ? 'persistentSequentialTtl' : 'persistentTtl'
  return s ? 'persistentSequential' : 'persistent'
}

/** The largest TTL that ZooKeeper can encode in ephemeralOwner. */
const ttlMsMax = 2 ** 40 - 1

function ttlOf({ values }: ParsedWords): number | undefined {
  const text = values.get('t')
  if (text === undefined) return undefined
  const ttlMs = /^\d{1,15}$/.test(text) ? Number(text) : 0
  if (ttlMs >= 1 && ttlMs <= ttlMsMax) return ttlMs
  throw new UsageError(
    `Cannot use TTL ${text}: it must be a number of milliseconds from 1 to ${ttlMsMax}`,
  )
}
