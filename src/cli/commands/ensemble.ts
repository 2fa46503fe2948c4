// `zw ensemble`: how the servers work together, for those who may administer them. The servers decide
// (daemon/request-processor/administrator.ts).

import { type Address, formatAddress } from '../../address.ts'
import { type TlsOptions, tlsClient } from '../../client/tls.ts'
import { ZkClient, ZkError } from '../../client/zk/zk-client.ts'
import { type QuorumServer, serverLine } from '../../protocol/zk/quorum-server.ts'
import {
  BadUsage,
  cliCommand,
  numberAbove0,
  outputOption,
  serverOption,
  wholeNumber,
} from '../cli-command.ts'
import { askHealth } from '../four-letter-word.ts'
import { toStderr, toStdout } from '../output.ts'
import { readPassword } from '../password.ts'
import { tlsOf, tlsOptions } from '../tls-options.ts'
import { addServer, realParts, removeServer } from './ensemble-change.ts'
import { type EnsembleConfig, parseServerLine } from './ensemble-plan.ts'

const connectTimeoutMs = 10_000
const findLeaderMs = 5000

export const ensemble = cliCommand({
  command: 'ensemble <action> [what]',
  valued: 'so',
  usage: `zw ensemble add server.N=HOST:2888:3888[:observer];[HOST:]2181 [--timeout SECONDS] [-s host:port,…] [--user NAME …]
       zw ensemble remove N [-s host:port,…] [--user NAME …]
       zw ensemble move-leader [--to N] [-s host:port,…] [--user NAME [--password-file FILE]]
       zw ensemble drain --percent N [-s host:port] [--user NAME [--password-file FILE]]`,
  describe:
    'add a server or remove one, hand leadership to another server, or clients to the others',
  builder: (cli) =>
    tlsOptions(cli)
      .positional('action', {
        type: 'string',
        choices: ['add', 'remove', 'move-leader', 'drain'] as const,
        demandOption: true,
        describe:
          'add: a server joins as an observer, catches up, and votes then; remove: its vote ends; drain: ' +
          'the server closes connections of clients, which reconnect',
      })
      .positional('what', {
        type: 'string',
        describe: 'add: the line of the server, as in zoo.cfg; remove: its id',
      })
      .option('server', serverOption('the servers: host:port,…; drain: one of them'))
      .option('to', {
        coerce: wholeNumber('--to', { min: 0, max: 255 }),
        describe: 'move-leader: id of the server that is to lead; default: the best prepared',
      })
      .option('timeout', {
        coerce: numberAbove0('--timeout'),
        describe: 'add: seconds to wait for the server to catch up; default: 300',
      })
      .option('percent', {
        coerce: wholeNumber('--percent', { min: 1, max: 100 }),
        describe: 'drain: how many of its client connections',
      })
      .option('user', {
        type: 'string',
        describe:
          'digest user that may write /zookeeper/config: super, unless its ACL names others',
      })
      .option('password-file', {
        type: 'string',
        describe: 'holds the password; default: the terminal, or standard input',
      })
      .option('output', outputOption),
  async handler(words) {
    const { server, user, passwordFile, output, timeout = 300 } = words
    const asked = askedFor(words)
    if (passwordFile !== undefined && user === undefined) {
      throw new BadUsage('Cannot use --password-file without --user')
    }
    const tls = tlsOf(words)
    const places = await placesFor(asked, server.servers, tls)
    const password = user === undefined ? '' : await readPassword(passwordFile)
    const print = (value: unknown, line: string) =>
      toStdout(`${output === 'json' ? JSON.stringify(value) : line}\n`)
    const zk = new ZkClient({ servers: [...places], connectTimeoutMs, ...(tls && { tls }) })
    await zk.connect()
    try {
      if (user !== undefined) await zk.addAuth('digest', `${user}:${password}`)
      const tell = (line: string): void => toStderr(`${line}\n`)
      const parts = realParts(zk, { tls: tlsClient(tls), tell, timeoutMs: timeout * 1000 })
      switch (asked.type) {
        case 'add':
          return printConfig(print, await addServer(asked.server, parts))
        case 'remove':
          return printConfig(print, await removeServer(asked.id, parts))
        case 'drain': {
          const count = await zk.drain(asked.percent)
          const what = count === 1 ? 'connection' : 'connections'
          const [place] = places
          return print(
            { closing: count },
            `${place && formatAddress(place)} closes ${count} ${what}.`,
          )
        }
        case 'move-leader': {
          const { leader, refusal } = await zk.moveLeader(asked.to)
          if (refusal !== undefined) throw new Error(`Cannot hand over leadership: ${refusal}`)
          return print({ leader }, `Server ${leader} leads.`)
        }
      }
    } catch (error) {
      throw explained(error)
    } finally {
      await zk.close()
    }
  },
})

type Asked =
  | { readonly type: 'add'; readonly server: QuorumServer }
  | { readonly type: 'remove'; readonly id: number }
  | { readonly type: 'drain'; readonly percent: number }
  | { readonly type: 'move-leader'; readonly to: number | undefined }

interface Words {
  readonly action: Asked['type']
  readonly what: string | undefined
  readonly to: number | undefined
  readonly percent: number | undefined
  readonly timeout: number | undefined
}

/** @throws BadUsage for options that another action has */
function askedFor({ action, what, to, percent, timeout }: Words): Asked {
  const refuse = (option: string): never => {
    throw new BadUsage(`Cannot use ${option} with ${action}`)
  }
  if (to !== undefined && action !== 'move-leader') refuse('--to')
  if (percent !== undefined && action !== 'drain') refuse('--percent')
  if (timeout !== undefined && action !== 'add') refuse('--timeout')
  switch (action) {
    case 'add': {
      const server = parseServerLine(what ?? '')
      if (typeof server === 'string') {
        throw new BadUsage(`Cannot add ${what === undefined ? 'a server' : `'${what}'`}: ${server}`)
      }
      return { type: 'add', server }
    }
    case 'remove':
      if (!/^\d+$/.test(what ?? '')) {
        throw new BadUsage('Cannot remove a server: its id is missing, N of its line server.N')
      }
      return { type: 'remove', id: Number(what) }
    case 'drain':
      if (what !== undefined) refuse(`'${what}'`)
      if (percent === undefined) throw new BadUsage('Cannot drain a server: --percent is missing')
      return { type: 'drain', percent }
    case 'move-leader':
      if (what !== undefined) refuse(`'${what}'`)
      return { type: 'move-leader', to }
  }
}

/** The servers to connect to. */
async function placesFor(
  { type }: Asked,
  servers: readonly Address[],
  tls: TlsOptions | undefined,
): Promise<readonly Address[]> {
  switch (type) {
    case 'add':
    case 'remove':
      return servers
    case 'drain':
      return [onlyOne(servers)]
    case 'move-leader':
      return [await leaderAmong(servers, tls)]
  }
}

function printConfig(
  print: (value: unknown, line: string) => void,
  { servers, version }: EnsembleConfig,
): void {
  const lines = servers.map(serverLine)
  const value = { version: version.toString(16), servers: lines }
  print(value, [...lines, `version=${value.version}`].join('\n'))
}

function onlyOne(servers: readonly Address[]): Address {
  const [place, another] = servers
  if (place !== undefined && another === undefined) return place
  throw new BadUsage('Cannot drain several servers at once: name one with -s')
}

/** Only the leader can hand over; an election may be in progress. */
async function leaderAmong(
  servers: readonly Address[],
  tls: TlsOptions | undefined,
): Promise<Address> {
  const client = tlsClient(tls)
  const endMs = performance.now() + findLeaderMs
  for (;;) {
    const healths = await Promise.all(servers.map((server) => askHealth(server, client)))
    const leader = servers.find((_, i) => healths[i]?.role === 'leader')
    if (leader !== undefined) return leader
    if (performance.now() > endMs) {
      const found = servers.map((each, i) => `${formatAddress(each)} is ${healths[i]?.role}`)
      throw new Error(`Cannot find the leader: ${found.join(', ')}. Name all servers with -s`)
    }
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

function explained(error: unknown): unknown {
  if (!(error instanceof ZkError) || error.code !== 'NOAUTH') return error
  const found = 'this client may not write /zookeeper/config'
  return new Error(`Cannot administer the ensemble: ${found}. Authenticate with --user`)
}
