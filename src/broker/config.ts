// mimicqd's checked configuration object, built from its option rows.

import { dirname, join, resolve } from 'node:path'
import type { Address } from '../address.ts'
import { parseServers } from '../client/server-list.ts'
import { dataDirOf } from '../data-dir-option.ts'
import { foreignData } from '../foreign-directory.ts'
import type { ListenOrigin } from '../listen-error.ts'
import type { LogLevel } from '../logger.ts'
import type { OptionRow } from '../option-rows.ts'
import { type ReadOptions, readOptions } from '../options.ts'
import { ZkError } from '../protocol/error-codes.ts'
import type { BrokerId } from '../protocol/mq/messages.ts'
import { type SaslMechanism, saslMechanisms } from '../protocol/sasl/mechanisms.ts'
import type { AclPolicy } from './cluster/cluster-acls.ts'
import type { BrokerOption, ConfigsOptions } from './cluster/cluster-configs.ts'
import { brokerProgram } from './config-rows.ts'
import {
  type BrokerTls,
  brokerTls,
  listenerOf,
  type ZooKeeperTls,
  zooKeeperTls,
} from './tls-config.ts'
import { topicOptions } from './topic-options.ts'

type Read = ReadOptions<typeof brokerProgram.rows>

export interface BrokerConfig {
  readonly id: BrokerId
  readonly listen: { readonly host: string; readonly port: number }
  readonly advertisedHost: string
  /** undefined: the port that is bound */
  readonly advertisedPort: number | undefined
  /** of the port, and of the links to other brokers; undefined: plaintext */
  readonly tls: BrokerTls | undefined
  /** of the connection to ZooWeeper */
  readonly zooKeeperTls: ZooKeeperTls | undefined
  readonly rack: string | undefined
  readonly zooweeper: { readonly servers: readonly Address[]; readonly chroot: string }
  /** absolute */
  readonly dataDir: string
  /** absolute */
  readonly secretFile: string
  readonly sessionTimeoutMs: number
  readonly connectTimeoutMs: number
  readonly registrationTimeoutMs: number
  readonly partitionCount: number
  readonly replicationFactor: number
  readonly autoCreatesTopics: boolean
  /** defaults for topics, and what describing this broker shows */
  readonly configs: ConfigsOptions
  readonly replicaLagTimeMsMax: number
  /** deadline of an election by reports: controller/controller.ts */
  readonly recoveryWaitMs: number
  /** undefined: preferred replicas do not become leaders by themselves */
  readonly rebalanceMs: number | undefined
  /** of a log: one fdatasync per group of batches, or none of our own */
  readonly flush: 'group' | 'os'
  /** interval at which each log is looked at for what is due by its topic's rules */
  readonly retentionCheckMs: number
  readonly checkedBytesPerSecond: number
  /** consumer groups of Kafka's clients */
  readonly group: {
    readonly initialRebalanceDelayMs: number
    readonly sessionTimeoutMsMin: number
    readonly sessionTimeoutMsMax: number
  }
  /** where consumer groups are stored */
  readonly offsets: {
    readonly partitionCount: number
    readonly replicaCountMax: number
    readonly commitTimeoutMs: number
    readonly retentionMs: number
    readonly retentionCheckMs: number
  }
  readonly sasl: {
    readonly mechanisms: readonly SaslMechanism[]
    readonly isRequired: boolean
  }
  /** undefined: everyone may do everything */
  readonly acls: AclPolicy | undefined
  readonly logLevel: LogLevel
  readonly logFormat: 'json' | 'pretty'
  /** to be logged once there is a logger */
  readonly warnings: readonly string[]
  /** how the user set what the machine may refuse, for error messages */
  readonly origins: {
    readonly dataDir: string
    readonly secretFile: string
    readonly listen: ListenOrigin
  }
}

/** `text` goes to stdout (for --help, …), and the program ends. */
type ConfigOrText =
  | { readonly type: 'config'; readonly config: BrokerConfig }
  | { readonly type: 'print'; readonly text: string | Promise<string> }

/**
 * @param argv without node and script
 * @throws OptionError
 */
export function readConfig(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): ConfigOrText {
  const read = readOptions(brokerProgram, argv, environment)
  return read.type === 'print' ? read : { type: 'config', config: check(read) }
}

function check(read: Read): BrokerConfig {
  const { values } = read
  if (values.id === undefined) read.refuse('id', 'it has to be set, by --id')
  if (values.dataDir === undefined) read.refuse('dataDir', 'it has to be set, by --data-dir')
  const warnings = [...read.warnings]
  const dataDir = dataDirOf({ read, value: values.dataDir, warnings })
  refuseForeignData(read, dataDir)
  const listener = listenerOf(read)
  const { advertised } = listener
  const listen = listener.listen ?? { host: values.host, port: values.port }
  const advertisedHost = advertised?.host ?? values.advertisedHost ?? advertisedFor(listen.host)
  if (isLoopback(advertisedHost) && !isLoopback(listen.host)) {
    warnings.push(
      `This broker advertises ${advertisedHost}, which another machine takes for itself. \
Set --advertised-host to a name that clients and other brokers can reach`,
    )
  }
  return {
    id: values.id as BrokerId,
    listen: { host: listen.host, port: listen.port },
    advertisedHost,
    advertisedPort: advertised?.port,
    tls: brokerTls(read, listener),
    zooKeeperTls: zooKeeperTls(read),
    rack: values.rack,
    zooweeper: serversOf(read),
    dataDir,
    secretFile: resolve(values.secretFile ?? join(dirname(dataDir), 'mimicq.secret')),
    sessionTimeoutMs: values.sessionTimeout,
    connectTimeoutMs: values.connectTimeout,
    registrationTimeoutMs: values.registrationTimeout,
    partitionCount: values['num.partitions'],
    replicationFactor: values['default.replication.factor'],
    autoCreatesTopics: values['auto.create.topics.enable'],
    configs: configsOf(read),
    replicaLagTimeMsMax: values['replica.lag.time.max.ms'],
    recoveryWaitMs: values['recovery.wait.ms'],
    rebalanceMs: values['auto.leader.rebalance.enable']
      ? 1000 * values['leader.imbalance.check.interval.seconds']
      : undefined,
    flush: values['log.flush'] === 'os' ? 'os' : 'group',
    retentionCheckMs: values['log.retention.check.interval.ms'],
    checkedBytesPerSecond: values['log.check.bytes.per.second'],
    group: {
      initialRebalanceDelayMs: values['group.initial.rebalance.delay.ms'],
      sessionTimeoutMsMin: values['group.min.session.timeout.ms'],
      sessionTimeoutMsMax: values['group.max.session.timeout.ms'],
    },
    offsets: {
      partitionCount: values['offsets.topic.num.partitions'],
      replicaCountMax: values['offsets.topic.replication.factor'],
      commitTimeoutMs: values['offsets.commit.timeout.ms'],
      retentionMs: values['offsets.retention.minutes'] * 60_000,
      retentionCheckMs: values['offsets.retention.check.interval.ms'],
    },
    sasl: saslOf(read, listener.protocol.startsWith('SASL_')),
    acls: aclsOf(read),
    logLevel: values.logLevel,
    logFormat: values.logFormat,
    warnings,
    origins: {
      dataDir: read.quote('dataDir'),
      secretFile:
        values.secretFile === undefined ? 'the default of secretFile' : read.quote('secretFile'),
      listen:
        listener.listen === undefined
          ? { host: read.quote('host'), port: read.quote('port') }
          : { host: read.quote('listeners'), port: read.quote('listeners') },
    },
  }
}

/** Options are described under Kafka's names; those that Kafka does not have are left out. */
function configsOf(read: Read): ConfigsOptions {
  const values: Readonly<Record<string, unknown>> = read.values
  const file = new Map<string, string>()
  const options: BrokerOption[] = []
  for (const [name, row] of Object.entries<OptionRow>(brokerProgram.rows)) {
    if (row.type === 'refused' || row.type === 'ignored' || row.type === 'include') continue
    // Any client may ask for the options.
    if (row.secret === true) continue
    const isSet = read.given(name as keyof typeof read.values)
    const text = String(values[name] ?? '')
    if (Object.hasOwn(topicOptions, name)) {
      if (isSet) file.set(name, text)
      continue
    }
    const kafkaName = [name, ...(row.aliases ?? [])].find((each) => each.includes('.'))
    if (kafkaName !== undefined) options.push({ name: kafkaName, text, isSet, about: row.about })
  }
  return { self: String(read.values.id), file, options }
}

/** A directory with the data of another program is refused. */
function refuseForeignData(read: Read, dataDir: string): void {
  let found: ReturnType<typeof foreignData>
  try {
    found = foreignData(dataDir, 'mimicqd')
  } catch (error) {
    return read.refuse('dataDir', `it cannot be read: ${(error as Error).message}`)
  }
  if (found === undefined) return
  const why = `it holds data of ${found.program} (${found.file})`
  read.refuse('dataDir', `${why}: give this broker a directory of its own`)
}

function serversOf(read: Read): BrokerConfig['zooweeper'] {
  try {
    return parseServers(read.values.zooweeper)
  } catch (error) {
    if (!(error instanceof ZkError)) throw error
    return read.refuse('zooweeper', error.message)
  }
}

function saslOf(read: Read, isAsked: boolean): BrokerConfig['sasl'] {
  const { saslMechanisms: list } = read.values
  const isRequired = read.values.requireSasl || isAsked
  const names = list.split(',').map((name) => name.trim())
  const mechanisms = saslMechanisms.filter((mechanism) => names.includes(mechanism))
  const unknown = names.find((name) => name !== '' && !mechanisms.some((each) => each === name))
  if (unknown !== undefined) {
    read.refuse('saslMechanisms', `'${unknown}' is none of ${saslMechanisms.join(', ')}`)
  }
  if (isRequired && mechanisms.length === 0) {
    read.refuse('requireSasl', 'no client could authenticate itself: set saslMechanisms, too')
  }
  return { mechanisms, isRequired }
}

function aclsOf(read: Read): BrokerConfig['acls'] {
  const { acls, 'super.users': list } = read.values
  const allowsUnruled = read.values['allow.everyone.if.no.acl.found']
  const names = list.split(';').map((name) => name.trim())
  const superUsers = new Set(names.filter((name) => name !== ''))
  for (const name of superUsers) {
    if (!/^User:./u.test(name)) read.refuse('super.users', `'${name}' is no user: User:NAME`)
  }
  if (!acls && (superUsers.size > 0 || allowsUnruled)) {
    const row = allowsUnruled ? 'allow.everyone.if.no.acl.found' : 'super.users'
    read.refuse(row, 'it needs rules of access: set acls, too')
  }
  return acls ? { superUsers, allowsUnruled } : undefined
}

function advertisedFor(host: string): string {
  return host === '0.0.0.0' || host === '::' ? 'localhost' : host
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}
