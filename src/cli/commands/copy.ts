// `zw copy`: every znode of one ensemble, ZooKeeper's for example, into an empty one.

import { readFileSync } from 'node:fs'
import { ZkClient } from '../../client/zk/zk-client.ts'
import { printable } from '../../printable.ts'
import { BadUsage, cliCommand, type ServerList, serverList } from '../cli-command.ts'
import { copyTree } from './tree-copy.ts'

export const copy = cliCommand({
  command: 'copy',
  usage: 'zw copy --from HOST:PORT,… --to HOST:PORT,… [--from-auth ID] [--to-auth ID]',
  describe: 'copy all znodes of one ensemble, of ZooKeeper too, into an empty one',
  builder: (cli) =>
    cli
      .option('from', {
        type: 'string',
        demandOption: true,
        coerce: serverList('--from'),
        describe: 'the servers to read: host:port,host:port…[/chroot]',
      })
      .option('to', {
        type: 'string',
        demandOption: true,
        coerce: serverList('--to'),
        describe: 'the servers to fill, which hold no znodes yet: host:port,host:port…[/chroot]',
      })
      .option('from-auth', {
        type: 'string',
        array: true,
        describe: 'proved to the first, as addauth does: digest:user:password, or @file with that',
      })
      .option('to-auth', {
        type: 'string',
        array: true,
        describe: 'proved to the second',
      }),
  async handler({ from, to, fromAuth = [], toAuth = [] }) {
    const [sourceIdentities, targetIdentities] = [fromAuth.map(identity), toAuth.map(identity)]
    const source = clientOf(from)
    const target = clientOf(to)
    try {
      await Promise.all([open(source, sourceIdentities), open(target, targetIdentities)])
      const report = await copyTree(source, target)
      const { znodeCount, dataBytes, aclCount, ephemeralCount, changed, behind } = report
      say(`Copied ${znodeCount} znodes with ${dataBytes} bytes of data and ${aclCount} ACLs.`)
      if (ephemeralCount > 0) say(`Left out ${ephemeralCount} ephemerals.`)
      for (const path of behind) say(`The counter of sequential names is too high to copy: ${path}`)
      for (const path of changed) say(`Changed at the source while it was copied: ${path}`)
      if (changed.length === 0 && behind.length === 0) return
      if (changed.length > 0) say('Stop who writes there, empty the target, and copy again.')
      process.exitCode = 1
    } finally {
      await Promise.all([source.close(), target.close()])
    }
  },
})

/** ZooKeeper's dialect is understood by both. */
function clientOf({ servers, chroot }: ServerList): ZkClient {
  return new ZkClient({ servers, chroot, dialect: 'jute', sessionTimeoutMs: 30_000 })
}

interface Identity {
  readonly scheme: string
  readonly credential: string
}

/** @throws BadUsage, without what was given: it may be a password */
function identity(text: string): Identity {
  const given = text.startsWith('@') ? readFileSync(text.slice(1), 'utf8').trimEnd() : text
  const colon = given.indexOf(':')
  if (colon < 1) throw new BadUsage('Cannot use an identity: it must be scheme:credential')
  return { scheme: given.slice(0, colon), credential: given.slice(colon + 1) }
}

async function open(zk: ZkClient, identities: readonly Identity[]): Promise<void> {
  await zk.connect()
  for (const { scheme, credential } of identities) await zk.addAuth(scheme, credential)
}

function say(line: string): void {
  process.stdout.write(`${printable(line)}\n`)
}
