// How the commands that produce and consume find their cluster: through ZooWeeper, or by its
// brokers.

import type { Argv } from 'yargs'
import type { Address } from '../address.ts'
import { formatAttempts } from '../client/attempts.ts'
import type { TlsOptions } from '../client/tls.ts'
import { ZkClient } from '../client/zk/zk-client.ts'
import { type ServerList, serverList, serverOption } from './cli-command.ts'
import { type TlsWords, tlsOf, tlsOptions } from './tls-options.ts'

/** @param brokerNote additional effect of naming brokers */
export function mqOptions<T>(cli: Argv<T>, { brokerNote = '' }: { brokerNote?: string } = {}) {
  return tlsOptions(cli)
    .option(
      'server',
      serverOption('ZooWeeper servers of the brokers: host:port,host:port…[/chroot]'),
    )
    .option('broker', {
      alias: 'b',
      type: 'string',
      coerce: serverList('--broker'),
      describe: `initial brokers, instead of asking ZooWeeper: host:port,host:port…${brokerNote}`,
    })
}

export interface MqPlace {
  /** for Producer, Consumer and MqAdmin */
  readonly client: {
    readonly brokers?: readonly Address[]
    readonly zk?: ZkClient
    readonly tls?: TlsOptions
  }
  /** empty if brokers were given */
  readonly servers: readonly Address[]
  /** the given ones */
  readonly brokers: readonly Address[]
  close(): Promise<void>
}

const connectTimeoutMs = 10_000

/** @throws ZkError if no server can be reached */
export async function openMq(
  options: TlsWords & {
    readonly server: ServerList
    readonly broker: ServerList | undefined
  },
): Promise<MqPlace> {
  const { server, broker } = options
  const tls = tlsOf(options)
  const secured = tls === undefined ? {} : { tls }
  if (broker !== undefined) {
    const brokers = broker.servers
    const client = { brokers, ...secured }
    return { client, servers: [], brokers, close: async () => undefined }
  }
  const { servers, chroot } = server
  const zk = new ZkClient({ servers, chroot, connectTimeoutMs, ...secured })
  zk.once('unreachable', (attempts) => {
    const tried = formatAttempts(attempts)
    process.stderr.write(`zw: no server is available yet, retrying: ${tried}\n`)
  })
  await zk.connect()
  return { client: { zk, ...secured }, servers, brokers: [], close: () => zk.close() }
}
