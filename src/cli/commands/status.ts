// `zw status`: the servers' roles and latest zxids.

import { type Address, formatAddress } from '../../address.ts'
import { tlsClient } from '../../client/tls.ts'
import { cliCommand, outputOption, serverOption } from '../cli-command.ts'
import { askHealth, type ServerHealth } from '../four-letter-word.ts'
import { toStdout } from '../output.ts'
import { tlsOf, tlsOptions } from '../tls-options.ts'

export const status = cliCommand({
  command: 'status',
  usage: 'zw status [-s host:port,…] [-o json]',
  valued: 'so',
  describe: 'print the role and the latest zxid of each server',
  builder: (cli) =>
    tlsOptions(cli)
      .option('server', serverOption('the servers: host:port,host:port…'))
      .option('output', outputOption),
  async handler({ server, output, ...words }) {
    const { servers } = server
    const tls = tlsClient(tlsOf(words))
    const healths = await Promise.all(servers.map((address) => askHealth(address, tls)))
    const found = healths.flatMap((health, i) => {
      const address = servers[i]
      return address === undefined ? [] : [{ address, health }]
    })
    if (output === 'json') {
      toStdout(
        `${JSON.stringify(found.map(({ address, health }) => statusJson(address, health)))}\n`,
      )
    } else {
      for (const { address, health } of found) toStdout(`${statusLine(address, health)}\n`)
    }
    if (!healths.some(({ role }) => serves.has(role))) process.exitCode = 1
  },
})

const serves: ReadonlySet<string> = new Set(['leader', 'follower', 'observer', 'standalone'])

/** null: unknown */
export function statusJson(address: Address, { role, zxid, remark }: ServerHealth): unknown {
  return {
    server: formatAddress(address),
    role,
    zxid: zxid ?? null,
    remark: remark ?? null,
    serves: serves.has(role),
  }
}

/** `127.0.0.1:2181  leader      0x100000003`; a lost server has no zxid. */
export function statusLine(address: Address, health: ServerHealth): string {
  const { role, zxid, remark } = health
  return `${formatAddress(address)}  ${remark ?? `${role.padEnd(10)}  ${zxid ?? ''}`}`.trimEnd()
}
