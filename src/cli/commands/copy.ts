// `zw copy`: copies every znode of one ensemble, for example ZooKeeper's, into an empty one.

import { readFileSync } from 'node:fs'
import type { TlsOptions } from '../../client/tls.ts'
import { ZkClient } from '../../client/zk/zk-client.ts'
import { printable } from '../../printable.ts'
import { BadUsage, cliCommand, type ServerList, serverList } from '../cli-command.ts'
import { tlsOf, tlsOptions } from '../tls-options.ts'
import { copyTree } from './tree-copy.ts'

export const copy = cliCommand({
  command: 'copy',
  usage: 'zw copy --from HOST:PORT,… --to HOST:PORT,… [--from-auth ID] [--to-auth ID]',
  describe: 'copy all znodes of an ensemble, also of ZooKeeper, into an empty one',
  builder: (cli) =>
    tlsOptions(cli)
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
        describe: 'the servers to fill, which must be empty: host:port,host:port…[/chroot]',
      })
      .option('from-auth', {
        type: 'string',
        array: true,
        describe:
          'identity for the source, as for addauth: digest:user:password, or @file that holds it',
      })
      .option('to-auth', {
        type: 'string',
        array: true,
        describe: 'identity for the target',
      })
      .option('tls-only', {
        choices: ['from', 'to'] as const,
        describe: 'the side that speaks TLS; default: both, with any option of TLS',
      }),
  async handler({ from, to, fromAuth = [], toAuth = [], tlsOnly, ...words }) {
    const tls = tlsOf({ ...words, tls: words.tls || tlsOnly !== undefined })
    const [sourceIdentities, targetIdentities] = [fromAuth.map(identity), toAuth.map(identity)]
    const source = clientOf(from, tlsOnly === 'to' ? undefined : tls)
    const target = clientOf(to, tlsOnly === 'from' ? undefined : tls)
    try {
      await Promise.all([open(source, sourceIdentities), open(target, targetIdentities)])
      const report = await copyTree(source, target)
      const { znodeCount, dataBytes, aclCount, ephemeralCount, changed, behind } = report
      say(`Copied ${znodeCount} znodes with ${dataBytes} bytes of data and ${aclCount} ACLs.`)
      if (ephemeralCount > 0) say(`Left out ${ephemeralCount} ephemerals.`)
      for (const path of behind) say(`The counter of sequential names is too high to copy: ${path}`)
      for (const path of changed) say(`Changed at the source during the copy: ${path}`)
      if (changed.length === 0 && behind.length === 0) return
      if (changed.length > 0)
        say('Stop the programs that write there, empty the target, and copy again.')
      process.exitCode = 1
    } finally {
      await Promise.all([source.close(), target.close()])
    }
  },
})

/** Both systems speak ZooKeeper's dialect. */
function clientOf({ servers, chroot }: ServerList, tls: TlsOptions | undefined): ZkClient {
  const options = { servers, chroot, dialect: 'jute', sessionTimeoutMs: 30_000 } as const
  return new ZkClient({ ...options, ...(tls && { tls }) })
}

interface Identity {
  readonly scheme: string
  readonly credential: string
}

/** @throws BadUsage without the given text, which may be a password */
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
