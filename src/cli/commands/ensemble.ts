// `zw ensemble`: how the servers work together, for those who may administer them. The servers decide
// (daemon/request-processor/administrator.ts).

import { type Address, formatAddress } from '../../address.ts'
import { type TlsOptions, tlsClient } from '../../client/tls.ts'
import { ZkClient, ZkError } from '../../client/zk/zk-client.ts'
import { BadUsage, cliCommand, outputOption, serverOption, wholeNumber } from '../cli-command.ts'
import { askHealth } from '../four-letter-word.ts'
import { toStdout } from '../output.ts'
import { readPassword } from '../password.ts'
import { tlsOf, tlsOptions } from '../tls-options.ts'

const connectTimeoutMs = 10_000
const findLeaderMs = 5000

export const ensemble = cliCommand({
  command: 'ensemble <action>',
  valued: 'so',
  usage: `zw ensemble move-leader [--to N] [-s host:port,…] [--user NAME [--password-file FILE]]
       zw ensemble drain --percent N [-s host:port] [--user NAME [--password-file FILE]]`,
  describe: 'hand leadership to another server, or clients to the others',
  builder: (cli) =>
    tlsOptions(cli)
      .positional('action', {
        type: 'string',
        choices: ['move-leader', 'drain'] as const,
        demandOption: true,
        describe: 'drain: the server closes connections of clients, which reconnect',
      })
      .option('server', serverOption('the servers: host:port,…; drain: one of them'))
      .option('to', {
        coerce: wholeNumber('--to', { min: 0, max: 255 }),
        describe: 'move-leader: id of the server that is to lead; default: the best prepared',
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
    const { action, server, to, percent, user, passwordFile, output } = words
    const isDrain = action === 'drain'
    if (isDrain && percent === undefined) {
      throw new BadUsage('Cannot drain a server: --percent is missing')
    }
    if (isDrain && to !== undefined) throw new BadUsage('Cannot use --to with drain')
    if (!isDrain && percent !== undefined) {
      throw new BadUsage('Cannot use --percent with move-leader')
    }
    if (passwordFile !== undefined && user === undefined) {
      throw new BadUsage('Cannot use --password-file without --user')
    }
    const tls = tlsOf(words)
    const place = isDrain ? onlyOne(server.servers) : await leaderAmong(server.servers, tls)
    const password = user === undefined ? '' : await readPassword(passwordFile)
    const print = (value: unknown, line: string) =>
      toStdout(`${output === 'json' ? JSON.stringify(value) : line}\n`)
    const zk = new ZkClient({ servers: [place], connectTimeoutMs, ...(tls && { tls }) })
    await zk.connect()
    try {
      if (user !== undefined) await zk.addAuth('digest', `${user}:${password}`)
      if (percent !== undefined) {
        const count = await zk.drain(percent)
        const what = count === 1 ? 'connection' : 'connections'
        print({ closing: count }, `${formatAddress(place)} closes ${count} ${what}.`)
        return
      }
      const { leader, refusal } = await zk.moveLeader(to)
      if (refusal !== undefined) throw new Error(`Cannot hand over leadership: ${refusal}`)
      print({ leader }, `Server ${leader} leads.`)
    } catch (error) {
      throw explained(error)
    } finally {
      await zk.close()
    }
  },
})

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
