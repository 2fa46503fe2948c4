// How the commands that produce and consume find their cluster: through ZooWeeper, or by its
// brokers.

import type { Argv } from 'yargs'
import type { Address } from '../address.ts'
import { formatAttempts } from '../client/attempts.ts'
import { ZkClient } from '../client/zk/zk-client.ts'
import { type ServerList, serverList, serverOption } from './cli-command.ts'

/** @param brokerNote additional effect of naming brokers */
export function mqOptions<T>(cli: Argv<T>, { brokerNote = '' }: { brokerNote?: string } = {}) {
  return cli
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
  readonly client: { readonly brokers?: readonly Address[]; readonly zk?: ZkClient }
  /** empty if brokers were given */
  readonly servers: readonly Address[]
  /** the given ones */
  readonly brokers: readonly Address[]
  close(): Promise<void>
}

const connectTimeoutMs = 10_000

/** @throws ZkError if no server can be reached */
export async function openMq(options: {
  readonly server: ServerList
  readonly broker: ServerList | undefined
}): Promise<MqPlace> {
  const { server, broker } = options
  if (broker !== undefined) {
    const brokers = broker.servers
    return { client: { brokers }, servers: [], brokers, close: async () => undefined }
  }
  const { servers, chroot } = server
  const zk = new ZkClient({ servers, chroot, connectTimeoutMs })
  zk.once('unreachable', (attempts) => {
    const tried = formatAttempts(attempts)
    process.stderr.write(`zw: no server is available yet, retrying: ${tried}\n`)
  })
  await zk.connect()
  return { client: { zk }, servers, brokers: [], close: () => zk.close() }
}
