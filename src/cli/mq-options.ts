// How the commands that produce and consume find their cluster: through ZooWeeper, or by its
// brokers.

import type { Argv } from 'yargs'
import type { Address } from '../address.ts'
import { formatAttempts } from '../client/attempts.ts'
import type { UserLogin } from '../client/mq/login.ts'
import type { TlsOptions } from '../client/tls.ts'
import { ZkClient } from '../client/zk/zk-client.ts'
import { type SaslMechanism, saslMechanisms } from '../protocol/sasl/mechanisms.ts'
import { BadUsage, type ServerList, serverList, serverOption } from './cli-command.ts'
import { passwordIn } from './password.ts'
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
    .option('user', {
      type: 'string',
      requiresArg: true,
      group: saslGroup,
      describe: 'user of the brokers (zw users); --password-file too',
    })
    .option('password-file', {
      type: 'string',
      requiresArg: true,
      group: saslGroup,
      describe: 'holds the password of the user',
    })
    .option('sasl-mechanism', {
      choices: saslMechanisms,
      default: 'SCRAM-SHA-512' as const satisfies SaslMechanism,
      group: saslGroup,
      describe: 'how the user proves its name; PLAIN sends the password itself',
    })
}

const saslGroup = 'SASL:'

interface SaslWords {
  readonly user?: string | undefined
  readonly passwordFile?: string | undefined
  readonly saslMechanism: SaslMechanism
}

/** @returns undefined without a user */
function saslOf({ user, passwordFile, saslMechanism }: SaslWords): UserLogin | undefined {
  if (user === undefined && passwordFile === undefined) return undefined
  if (user === undefined) throw new BadUsage('Cannot use --password-file: --user is missing')
  if (passwordFile === undefined) {
    throw new BadUsage(`Cannot be user ${user}: --password-file is missing`)
  }
  return { user, password: passwordIn(passwordFile), mechanism: saslMechanism }
}

export interface MqPlace {
  /** for Producer, Consumer and MqAdmin */
  readonly client: {
    readonly brokers?: readonly Address[]
    readonly zk?: ZkClient
    readonly tls?: TlsOptions
    readonly sasl?: UserLogin
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
  options: TlsWords &
    SaslWords & {
      readonly server: ServerList
      readonly broker: ServerList | undefined
    },
): Promise<MqPlace> {
  const { server, broker } = options
  const tls = tlsOf(options)
  const sasl = saslOf(options)
  const secured = tls === undefined ? {} : { tls }
  const known = sasl === undefined ? secured : { ...secured, sasl }
  if (broker !== undefined) {
    const brokers = broker.servers
    const client = { brokers, ...known }
    return { client, servers: [], brokers, close: async () => undefined }
  }
  const { servers, chroot } = server
  const zk = new ZkClient({ servers, chroot, connectTimeoutMs, ...secured })
  zk.once('unreachable', (attempts) => {
    const tried = formatAttempts(attempts)
    process.stderr.write(`zw: no server is available yet, retrying: ${tried}\n`)
  })
  await zk.connect()
  return { client: { zk, ...known }, servers, brokers: [], close: () => zk.close() }
}
