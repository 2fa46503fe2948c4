// The members of the ensemble.

import { configPath } from '../../../client/zk/zk-client.ts'
import { ZkError } from '../../../protocol/error-codes.ts'
import { formatStat, nullText } from '../format.ts'
import { UsageError } from '../parse-line.ts'
import type { ShellCommand } from './shell-command.ts'

export const config: ShellCommand = {
  name: 'config',
  usage: '[-c] [-w] [-s]',
  about: 'prints the members of the ensemble; -c where clients connect, -s with the Stat, -w watch',
  options: { c: 'flag', w: 'flag', s: 'flag' },
  words: { min: 0, max: 0 },
  async run(shell, { flags }) {
    const watcher = flags.has('w') ? shell.watcher : undefined
    const { data, stat } = await shell.zk.getConfig(watcher).catch(explain)
    const text = data?.toString('utf8') ?? nullText
    shell.print(flags.has('c') ? clientAddressesOf(text) : text)
    if (flags.has('s')) shell.print(formatStat(stat))
  },
}

function explain(error: unknown): never {
  if (!(error instanceof ZkError) || error.code !== 'NONODE') throw error
  throw new Error(`Cannot show the members of this ensemble: ${configPath} does not exist`)
}

/** `100000000 host:2181,host:2181`: the version, then the text after each `;` */
function clientAddressesOf(text: string): string {
  const version = /^version=(.*)$/m.exec(text)?.[1] ?? ''
  const addresses = [...text.matchAll(/^server\.\d+=[^;\n]*;(.*)$/gm)].map(([, at = '']) => at)
  return `${version} ${addresses.join(',')}`.trim()
}

/** As zkCli spells them. */
const reconfigOptions = ['-s', '-v', '-add', '-remove', '-members'] as const

export const reconfig: ShellCommand = {
  name: 'reconfig',
  usage: '[-s] [-v version] [-add server.N=…,…] [-remove N,…] [-members server.N=…,…]',
  about: 'changes the members of the ensemble, and prints them; -v only from that version, in hex',
  options: 'raw',
  words: { min: 0, max: Number.POSITIVE_INFINITY },
  async run(shell, { rest }) {
    const given = optionsIn(rest)
    const [joining, leaving, members] = [
      given.get('-add'),
      given.get('-remove'),
      given.get('-members'),
    ]
    if (joining === undefined && leaving === undefined && members === undefined) {
      throw new UsageError('Cannot tell what is to change: give -add, -remove or -members')
    }
    if (members !== undefined && (joining !== undefined || leaving !== undefined)) {
      throw new UsageError('Cannot change the members twice: -members names all of them')
    }
    const expected = given.get('-v') ?? '-1'
    if (!/^(-1|[0-9a-f]+)$/i.test(expected)) {
      throw new UsageError(`Cannot use version '${expected}': it must be a hexadecimal number`)
    }
    const version = Number.parseInt(expected, 16)
    const { data, stat } = await shell.zk.reconfig({ joining, leaving, members, version })
    shell.print(`Committed new configuration:\n${data?.toString('utf8') ?? nullText}`)
    if (given.has('-s')) shell.print(formatStat(stat))
  },
}

function optionsIn(words: readonly string[]): ReadonlyMap<string, string> {
  const given = new Map<string, string>()
  for (let i = 0; i < words.length; i++) {
    const name = reconfigOptions.find((option) => option === words[i])
    if (name === undefined) {
      throw new UsageError(
        `Cannot use '${words[i]}': the options are ${reconfigOptions.join(', ')}`,
      )
    }
    const value = name === '-s' ? '' : words[++i]
    if (value === undefined) throw new UsageError(`Cannot use ${name}: it needs a value`)
    given.set(name, value)
  }
  return given
}
