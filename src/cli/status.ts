// `zw status`: which servers serve, in which role, and how far each has come.

import { parseServers, type ServerAddress } from '../client/servers.ts'
import { cliCommand } from './cli-command.ts'
import { askHealth, type ServerHealth } from './four-letter-word.ts'

export const status = cliCommand({
  command: 'status',
  describe: 'roles of the servers, asked one by one',
  builder: (cli) =>
    cli.option('server', {
      alias: 's',
      type: 'string',
      default: '127.0.0.1:2181',
      describe: 'the servers: host:port,host:port…',
    }),
  async handler({ server }) {
    const { servers } = parseServers(server)
    const healths = await Promise.all(servers.map(askHealth))
    servers.forEach((address, i) => {
      const health = healths[i] as ServerHealth
      process.stdout.write(`${statusLine(address, health)}\n`)
    })
    if (!healths.some(({ role }) => serves.has(role))) process.exitCode = 1
  },
})

const serves: ReadonlySet<string> = new Set(['leader', 'follower', 'observer', 'standalone'])

/** `127.0.0.1:2181  leader      0x100000003`; a server that is lost has no zxid. */
export function statusLine({ host, port }: ServerAddress, { role, zxid }: ServerHealth): string {
  return `${host}:${port}  ${role.padEnd(10)}  ${zxid ?? ''}`.trimEnd()
}
