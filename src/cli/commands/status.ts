// `zw status`: the servers' roles and latest zxids.

import { type Address, formatAddress } from '../../address.ts'
import { cliCommand, serverOption } from '../cli-command.ts'
import { askHealth, type ServerHealth } from '../four-letter-word.ts'
import { toStdout } from '../output.ts'

export const status = cliCommand({
  command: 'status',
  usage: 'zw status [-s host:port,…]',
  describe: 'print the role and the latest zxid of each server',
  builder: (cli) => cli.option('server', serverOption('the servers: host:port,host:port…')),
  async handler({ server }) {
    const { servers } = server
    const healths = await Promise.all(servers.map(askHealth))
    for (const [i, health] of healths.entries()) {
      const address = servers[i]
      if (address !== undefined) toStdout(`${statusLine(address, health)}\n`)
    }
    if (!healths.some(({ role }) => serves.has(role))) process.exitCode = 1
  },
})

const serves: ReadonlySet<string> = new Set(['leader', 'follower', 'observer', 'standalone'])

/** `127.0.0.1:2181  leader      0x100000003`; a lost server has no zxid. */
export function statusLine(address: Address, health: ServerHealth): string {
  const { role, zxid, remark } = health
  return `${formatAddress(address)}  ${remark ?? `${role.padEnd(10)}  ${zxid ?? ''}`}`.trimEnd()
}
