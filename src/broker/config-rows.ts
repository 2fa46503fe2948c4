// mimicqd's option rows: every option with its type, bounds, default and description. An option that
// Kafka has too bears Kafka's name. config.ts builds the configuration from them.

import { logLevels } from '../logger.ts'
import type { OptionRows, Program } from '../option-rows.ts'
import { tlsRows } from './tls-rows.ts'
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
      'Mechanisms by which clients may authenticate themselves, zw and Kafka’s among them, separated by commas: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512.',
    aliases: ['sasl.enabled.mechanisms'],
  },
  requireSasl: {
    type: 'boolean',
    default: false,
    about: 'Whether every client has to authenticate itself, zw and Kafka’s among them.',
  },
  acls: {
    type: 'boolean',
    default: false,
    about:
      'Whether rules of access (zw acls) decide what clients may do, zw and Kafka’s among them. A client without a user is User:ANONYMOUS, or User: and the name in its certificate.',
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
  ...tlsRows,
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
