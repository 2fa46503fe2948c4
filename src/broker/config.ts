// mimicqd's option rows, and the checked configuration object made from them. An option that Kafka
// has too bears Kafka's name.

import { dirname, join, resolve } from 'node:path'
import type { Address } from '../address.ts'
import { parseServers } from '../client/server-list.ts'
import { dataDirOf } from '../data-dir-option.ts'
import { foreignData } from '../foreign-directory.ts'
import type { ListenOrigin } from '../listen-error.ts'
import { type LogLevel, logLevels } from '../logger.ts'
import type { OptionRow, OptionRows, Program } from '../option-rows.ts'
import { type ReadOptions, readOptions } from '../options.ts'
import { ZkError } from '../protocol/error-codes.ts'
import type { BrokerId } from '../protocol/mq/messages.ts'
import { type SaslMechanism, saslMechanisms } from '../protocol/sasl/mechanisms.ts'
import type { AclPolicy } from './cluster/cluster-acls.ts'
import type { BrokerOption, ConfigsOptions } from './cluster/cluster-configs.ts'
import { topicOptions } from './topic-options.ts'

const rows = {
  id: {
    type: 'integer',
    default: undefined,
    min: 0,
    max: 2 ** 31 - 1,
    about: 'Number of this broker, unique in the cluster and always the same.',
    aliases: ['broker.id'],
  },
  host: {
    type: 'text',
    default: '127.0.0.1',
    about: 'Address to listen on; 0.0.0.0 for all.',
  },
  port: {
    type: 'integer',
    default: 9092,
    min: 0,
    max: 65_535,
    about: 'Port that clients and other brokers connect to; 0 picks a free one.',
  },
  advertisedHost: {
    type: 'text',
    default: undefined,
    defaultText: 'the host listened on, or localhost',
    about: 'Host name or address that clients and other brokers connect to.',
    aliases: ['advertised.host.name'],
  },
  rack: {
    type: 'text',
    default: undefined,
    defaultText: 'none',
    about: 'Rack of this broker: replicas of a partition are spread over racks.',
    aliases: ['broker.rack'],
  },
  zooweeper: {
    type: 'text',
    default: '127.0.0.1:2181',
    about: 'ZooWeeper servers, host:port,host:port…[/chroot].',
    aliases: ['zookeeper.connect'],
  },
  dataDir: {
    type: 'text',
    default: undefined,
    about: 'Directory of this broker’s logs, shared with no other broker.',
    aliases: ['log.dirs'],
  },
  secretFile: {
    type: 'text',
    default: undefined,
    defaultText: 'mimicq.secret beside the data directory',
    about:
      'File with the secret by which the brokers of a cluster recognise each other, the same on every machine; created if missing.',
  },
  sessionTimeout: {
    type: 'integer',
    default: 1800,
    min: 100,
    max: 600_000,
    about:
      'Milliseconds after which a dead broker is noticed; the ensemble may enforce a longer time.',
    aliases: ['zookeeper.session.timeout.ms'],
  },
  connectTimeout: {
    type: 'integer',
    default: 60_000,
    min: 100,
    max: 3_600_000,
    about: 'Milliseconds to keep trying to reach ZooWeeper at start.',
    aliases: ['zookeeper.connection.timeout.ms'],
  },
  registrationTimeout: {
    type: 'integer',
    default: 60_000,
    min: 100,
    max: 3_600_000,
    about: 'Milliseconds to wait at start for an earlier session of this broker id to end.',
  },
  'num.partitions': {
    type: 'integer',
    default: 1,
    min: 1,
    max: 1000,
    about: 'Partitions of a topic that is created without a number of partitions.',
  },
  'default.replication.factor': {
    type: 'integer',
    default: 3,
    min: 1,
    max: 100,
    about:
      'Replicas of a topic that is created without a replication factor, at most the number of live brokers.',
  },
  'auto.create.topics.enable': {
    type: 'boolean',
    default: false,
    about:
      'Whether a topic that a Kafka client asks for is created if there is none; a misspelt name makes one, too.',
  },
  'replica.lag.time.max.ms': {
    type: 'integer',
    default: 10_000,
    min: 50,
    max: 600_000,
    about: 'Milliseconds for which a follower may be behind before it leaves the ISR.',
  },
  'auto.leader.rebalance.enable': {
    type: 'boolean',
    default: true,
    about: 'Whether preferred replicas become leaders again when they are back in sync.',
  },
  'leader.imbalance.check.interval.seconds': {
    type: 'integer',
    default: 300,
    min: 1,
    max: 2 ** 31 - 1,
    about: 'Seconds for which other replicas lead before the preferred ones do again.',
  },
  'recovery.wait.ms': {
    type: 'integer',
    default: 10_000,
    min: 0,
    max: 3_600_000,
    about:
      'Milliseconds for which a partition whose replicas all restarted waits for the last of them, once the first is back.',
  },
  ...topicOptions,
  'log.retention.check.interval.ms': {
    type: 'integer',
    default: 30_000,
    min: 1,
    max: 24 * 60 * 60 * 1000,
    about: 'Milliseconds between looks for segments to delete, to compact or to end by age.',
  },
  'log.check.bytes.per.second': {
    type: 'integer',
    default: 16 * 1024 * 1024,
    min: 0,
    max: 2 ** 40,
    about:
      'How fast a broker reads the older records of its logs for damage after a start, which reads ' +
      'only their ends; 0: only records that are fetched.',
  },
  'log.flush': {
    type: 'choice',
    default: 'sync',
    choices: ['sync', 'os'],
    about:
      'When a record counts as stored: on the disk (sync, many in one fsync), or in the operating ' +
      'system (os), which is faster but loses records when several machines lose power at once.',
  },
  'group.initial.rebalance.delay.ms': {
    type: 'integer',
    default: 500,
    min: 0,
    max: 600_000,
    about:
      'Milliseconds for which a consumer group that had no members waits for more of them before it begins; Kafka waits 3000.',
  },
  'group.min.session.timeout.ms': {
    type: 'integer',
    default: 6000,
    min: 1,
    max: 2 ** 31 - 1,
    about:
      'Least session time-out, in milliseconds, that a member of a consumer group may ask for.',
  },
  'group.max.session.timeout.ms': {
    type: 'integer',
    default: 1_800_000,
    min: 1,
    max: 2 ** 31 - 1,
    about:
      'Longest session time-out, in milliseconds, that a member of a consumer group may ask for.',
  },
  'offsets.topic.num.partitions': {
    type: 'integer',
    default: 12,
    min: 1,
    max: 1000,
    about:
      'Partitions of the topic in which consumer groups and their offsets are stored, when it is created with the first group; 12 are led evenly by 2, 3, 4 or 6 brokers. Kafka makes 50.',
  },
  'offsets.topic.replication.factor': {
    type: 'integer',
    default: 3,
    min: 1,
    max: 100,
    about:
      'Replicas of that topic, at most the number of brokers of the cluster; it is not created while fewer are alive.',
  },
  'offsets.commit.timeout.ms': {
    type: 'integer',
    default: 5000,
    min: 1,
    max: 2 ** 31 - 1,
    about: 'Milliseconds for which a commit of a consumer group waits for its replicas.',
  },
  'offsets.retention.minutes': {
    type: 'integer',
    default: 10_080,
    min: 1,
    max: 2 ** 31 - 1,
    about:
      'Minutes for which offsets are kept, from when their group lost its last member or, of consumers outside any group, from the commit.',
  },
  'offsets.retention.check.interval.ms': {
    type: 'integer',
    default: 600_000,
    min: 1,
    max: 2 ** 31 - 1,
    about: 'Milliseconds between two searches for offsets that are older.',
  },
  saslMechanisms: {
    type: 'text',
    default: '',
    defaultText: 'none',
    about:
      'Mechanisms by which Kafka’s clients may authenticate themselves, separated by commas: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512.',
    aliases: ['sasl.enabled.mechanisms'],
  },
  requireSasl: {
    type: 'boolean',
    default: false,
    about:
      'Whether every client has to authenticate itself; clients of the native protocol, zw among them, cannot.',
  },
  acls: {
    type: 'boolean',
    default: false,
    about:
      'Whether rules of access (zw acls) decide what Kafka’s clients may do. Clients of the native protocol, zw among them, may do something only if User:ANONYMOUS is a super user.',
  },
  'super.users': {
    type: 'text',
    default: '',
    defaultText: 'none',
    about: 'Users who may do everything, User:NAME, separated by semicolons.',
  },
  'allow.everyone.if.no.acl.found': {
    type: 'boolean',
    default: false,
    about: 'Whether everyone may use what no rule of access is about.',
  },
  logLevel: {
    type: 'choice',
    default: 'info',
    choices: logLevels,
    about: 'Least severe messages of the log.',
  },
  logFormat: {
    type: 'choice',
    default: 'json',
    choices: ['json', 'pretty'],
    about: 'One JSON object per line, or readable lines.',
  },
} as const satisfies OptionRows

export const brokerProgram: Program<typeof rows> = {
  name: 'mimicqd',
  about: 'a broker of Mimic Queue, a small Kafka on ZooWeeper.',
  environmentPrefix: 'MQ_',
  rows,
}

export interface BrokerConfig {
  readonly id: BrokerId
  readonly listen: { readonly host: string; readonly port: number }
  readonly advertisedHost: string
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
  | { readonly type: 'print'; readonly text: string }

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

function check(read: ReadOptions<typeof rows>): BrokerConfig {
  const { values } = read
  if (values.id === undefined) read.refuse('id', 'it has to be set, by --id')
  if (values.dataDir === undefined) read.refuse('dataDir', 'it has to be set, by --data-dir')
  const warnings = [...read.warnings]
  const dataDir = dataDirOf({ read, value: values.dataDir, warnings })
  refuseForeignData(read, dataDir)
  const advertisedHost = values.advertisedHost ?? advertisedFor(values.host)
  if (isLoopback(advertisedHost) && !isLoopback(values.host)) {
    warnings.push(
      `This broker advertises ${advertisedHost}, which another machine takes for itself. \
Set --advertised-host to a name that clients and other brokers can reach`,
    )
  }
  return {
    id: values.id as BrokerId,
    listen: { host: values.host, port: values.port },
    advertisedHost,
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
    sasl: saslOf(read),
    acls: aclsOf(read),
    logLevel: values.logLevel,
    logFormat: values.logFormat,
    warnings,
    origins: {
      dataDir: read.quote('dataDir'),
      secretFile:
        values.secretFile === undefined ? 'the default of secretFile' : read.quote('secretFile'),
      listen: { host: read.quote('host'), port: read.quote('port') },
    },
  }
}

/** Options are described under Kafka's names; those that Kafka does not have are left out. */
function configsOf(read: ReadOptions<typeof rows>): ConfigsOptions {
  const values: Readonly<Record<string, unknown>> = read.values
  const file = new Map<string, string>()
  const options: BrokerOption[] = []
  for (const [name, row] of Object.entries<OptionRow>(rows)) {
    if (row.type === 'refused' || row.type === 'ignored' || row.type === 'include') continue
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
function refuseForeignData(read: ReadOptions<typeof rows>, dataDir: string): void {
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

function serversOf(read: ReadOptions<typeof rows>): BrokerConfig['zooweeper'] {
  try {
    return parseServers(read.values.zooweeper)
  } catch (error) {
    if (!(error instanceof ZkError)) throw error
    return read.refuse('zooweeper', error.message)
  }
}

function saslOf(read: ReadOptions<typeof rows>): BrokerConfig['sasl'] {
  const { saslMechanisms: list, requireSasl: isRequired } = read.values
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

function aclsOf(read: ReadOptions<typeof rows>): BrokerConfig['acls'] {
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
