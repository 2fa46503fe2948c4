// zooweeperd's option rows, and the one checked configuration object made of them.
//
// The file is ZooKeeper's zoo.cfg and `myid` in dataDir; the keys mean what they mean there, its Java
// system properties among them. What ZooKeeper knows and we do not need is accepted with a warning;
// what cannot be ignored without danger, such as TLS, is refused. docs/configuration.md shows all
// rows. Source: QuorumPeerConfig.java and ZooKeeper's administrator guide.

import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { limits } from '../limits.ts'
import { type LogLevel, logLevels } from '../logger.ts'
import { type OptionRows, type Program, type ReadOptions, readOptions } from '../options.ts'
import type { ServerId } from '../protocol/records.ts'
import { fourLetterWords, isFourLetterWord } from './admin/four-letter-words.ts'

const noTls = 'encrypted connections are not supported'
const noReconfiguration = 'the ensemble cannot be changed while it runs'
const noSasl =
  'who connects is not authenticated by SASL, Kerberos or certificates, only by digest and ip'
const noSnapshotFiles = 'there are no snapshot files; the tree lies in LevelDB'
const fixedQuorums = 'a quorum is a majority of the servers, all of one weight'
const javaOnly = 'it tunes the Java virtual machine, its threads or its network library'
const oneElection = 'leaderTimeoutMs and syncLimit decide'
const noThrottler = 'globalOutstandingLimit bounds what is in flight'
const noTokens = 'maxCnxns and maxClientCnxns bound connections'
const noObservers = 'there are no observers'
const groupCommit = 'writes are grouped by what arrives during one fsync'
const noReplyCache = 'there is no cache of replies'

const sessionTimeoutMax = 2 ** 31 - 1

const rows = {
  dataDir: {
    type: 'text',
    default: undefined,
    about: 'Directory of everything this server keeps: log, tree, and the file myid.',
  },
  clientPort: {
    type: 'integer',
    default: 2181,
    min: 0,
    max: 65_535,
    about: 'Port that clients connect to; 0 picks a free one.',
  },
  clientPortAddress: {
    type: 'text',
    default: undefined,
    defaultText: 'all addresses',
    about: 'Address that the client port is bound to.',
  },
  'server.N': {
    type: 'numbered',
    min: 1,
    max: 255,
    example: 'zoo1.example.com:2888:3888',
    about:
      'Server N of the ensemble, host:peerPort:electionPort[:participant][;[address:]clientPort]; ' +
      'the same on every server. The election port is not used. None: this server stands alone.',
  },
  myid: {
    type: 'integer',
    default: undefined,
    defaultText: 'what the file myid in dataDir says; 1 for a server that stands alone',
    min: 1,
    max: 255,
    about: 'Which of the server.N lines is this server.',
    aliases: ['id'],
  },
  tickTime: {
    type: 'integer',
    default: 2000,
    min: 10,
    max: 60_000,
    about: 'Milliseconds per tick, the unit of initLimit, syncLimit and session time-outs.',
  },
  initLimit: {
    type: 'integer',
    default: 10,
    min: 1,
    max: 10_000,
    about: 'Ticks that a server may take to find and catch up with a leader.',
  },
  syncLimit: {
    type: 'integer',
    default: 5,
    min: 1,
    max: 10_000,
    about: 'Ticks after which a silent follower is given up.',
  },
  leaderTimeoutMs: {
    type: 'integer',
    default: undefined,
    defaultText: '600, at most tickTime × syncLimit',
    min: 20,
    max: 600_000,
    about: 'Milliseconds of silence after which a leader is taken for dead.',
  },
  minSessionTimeout: {
    type: 'integer',
    default: -1,
    defaultText: '2 × tickTime',
    min: -1,
    max: sessionTimeoutMax,
    about: 'Least milliseconds of a session time-out, whatever a client asks for.',
  },
  maxSessionTimeout: {
    type: 'integer',
    default: -1,
    defaultText: '20 × tickTime',
    min: -1,
    max: sessionTimeoutMax,
    about: 'Most milliseconds of a session time-out, whatever a client asks for.',
  },
  maxClientCnxns: {
    type: 'integer',
    default: 60,
    min: 0,
    max: 1_000_000,
    about: 'Connections that one address may have; 0 is no limit.',
  },
  maxCnxns: {
    type: 'integer',
    default: 0,
    min: 0,
    max: 10_000_000,
    about: 'Connections that all clients together may have; 0 is no limit.',
  },
  'nio.sessionlessCnxnTimeout': {
    type: 'integer',
    default: limits.handshakeMs,
    min: 1,
    max: 3_600_000,
    about: 'Milliseconds that a connection may take to ask for its session.',
  },
  globalOutstandingLimit: {
    type: 'integer',
    default: limits.proposalsInFlightMax,
    min: 1,
    max: limits.proposalsInFlightMax,
    about:
      'Requests in flight beyond which this server reads no more from the clients that send them.',
  },
  'jute.maxbuffer': {
    type: 'integer',
    default: limits.clientFrameBytesMax,
    min: 1024,
    max: limits.clientFrameBytesCeiling,
    hexadecimal: true,
    about:
      'Bytes of the largest request, and so of a znode: a client that sends more is cut off. ' +
      "Clients have a limit of their own for what they read: Java's has the same name.",
  },
  extendedTypesEnabled: {
    type: 'boolean',
    default: true,
    about: 'Whether clients may create znodes with a time to live.',
  },
  'znode.container.checkIntervalMs': {
    type: 'integer',
    default: 60_000,
    min: 10,
    max: 86_400_000,
    about: 'Milliseconds from one search for container and TTL znodes that are due to the next.',
  },
  'znode.container.maxPerMinute': {
    type: 'integer',
    default: 10_000,
    min: 1,
    max: 10_000_000,
    about: 'Container and TTL znodes deleted per minute at most.',
  },
  'znode.container.maxNeverUsedIntervalMs': {
    type: 'integer',
    default: 0,
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    about: 'Milliseconds after which a container that never had a child is deleted; 0 is never.',
  },
  enforceQuota: {
    type: 'boolean',
    default: false,
    about: 'Whether the hard limits of quotas are kept; otherwise they are only written down.',
  },
  'DigestAuthenticationProvider.superDigest': {
    type: 'text',
    default: undefined,
    defaultText: 'nobody',
    secret: true,
    about:
      'Whoever may do everything whatever the ACLs say: user:base64(SHA1(user:password)), of which the ' +
      'user is usually super.',
  },
  skipACL: {
    type: 'boolean',
    default: false,
    about: 'Whether everybody may do everything, as if there were no ACLs.',
  },
  'enforce.auth.enabled': {
    type: 'boolean',
    default: false,
    about:
      'Whether a client must authenticate by one of enforce.auth.schemes before anything else.',
  },
  'enforce.auth.schemes': {
    type: 'text',
    default: undefined,
    defaultText: 'none',
    about: 'Schemes of which one will do, separated by commas: digest, ip.',
    aliases: ['enforce.auth.scheme'],
  },
  'readonlymode.enabled': {
    type: 'boolean',
    default: false,
    about:
      'Whether a server that has lost its quorum serves what it has to clients that ask for that; ' +
      'they see the past, and cannot write.',
  },
  '4lw.commands.whitelist': {
    type: 'text',
    default: 'srvr',
    about:
      'Four-letter words that are answered, separated by commas; * is all of them. With ' +
      'readonlymode.enabled, isro always is.',
  },
  quorumListenOnAllIPs: {
    type: 'boolean',
    default: false,
    about: 'Bind the peer port to all addresses instead of the one in our server.N line.',
  },
  'fsync.warningthresholdms': {
    type: 'integer',
    default: 1000,
    min: 1,
    max: 3_600_000,
    about: 'Milliseconds of one fsync of the log after which it is worth a warning.',
  },
  bootstrap: {
    type: 'boolean',
    default: false,
    about:
      'For the first start of an ensemble, without waiting for all of its servers: those started with ' +
      'it may begin when they are a majority. Never with servers that lost their data.',
  },
  logSegmentBytes: {
    type: 'integer',
    default: 64 * 1024 * 1024,
    min: 4 * 1024 * 1024,
    max: 1024 * 1024 * 1024,
    about: 'Size of one file of the transaction log, allocated ahead.',
  },
  logSegmentsKept: {
    type: 'integer',
    default: 3,
    min: 1,
    max: 1_000_000,
    about:
      'Full log files kept at least, though the tree covers them, so that a server that comes back ' +
      'is sent what it missed and not the whole tree.',
    aliases: ['autopurge.snapRetainCount'],
  },
  logBytesKept: {
    type: 'integer',
    default: 0,
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    about: 'Bytes of transactions kept at least, though the tree covers them.',
  },
  logLevel: {
    type: 'choice',
    default: 'info',
    choices: logLevels,
    about: 'How much to say on standard output.',
  },
  logFormat: {
    type: 'choice',
    default: 'json',
    choices: ['json', 'pretty'],
    about: 'One JSON object per line, or lines for people.',
  },

  'admin.*': { type: 'ignored', why: 'there is no HTTP server; use the four-letter words' },
  advancedFlowControlEnabled: {
    type: 'ignored',
    why: 'a client that does not read is not read from',
  },
  allowSaslFailedClients: { type: 'ignored', why: noSasl },
  'audit.impl.class': { type: 'ignored', why: 'there is no audit log' },
  'autopurge.*': { type: 'ignored', why: 'the log is purged whenever a file of it is full' },
  bitHashCacheSize: { type: 'ignored', why: 'there is one kind of watch manager' },
  clientPortListenBacklog: { type: 'ignored', why: 'up to 1024 connections wait to be accepted' },
  'closeSessionTxn.enabled': { type: 'ignored', why: 'a session ends by a transaction, always' },
  cnxTimeout: { type: 'ignored', why: 'there are no election connections' },
  commitLogCount: { type: 'ignored', why: 'followers catch up from the log itself' },
  'commitProcessor.*': { type: 'ignored', why: javaOnly },
  connectToLearnerMasterLimit: { type: 'ignored', why: 'initLimit bounds it' },
  connectionDecreaseRatio: { type: 'ignored', why: noTokens },
  connectionDropDecrease: { type: 'ignored', why: noTokens },
  connectionDropIncrease: { type: 'ignored', why: noTokens },
  connectionFreezeTime: { type: 'ignored', why: noTokens },
  connectionMaxTokens: { type: 'ignored', why: noTokens },
  connectionTokenFillCount: { type: 'ignored', why: noTokens },
  connectionTokenFillTime: { type: 'ignored', why: noTokens },
  connection_throttle_global_session_weight: { type: 'ignored', why: noTokens },
  connection_throttle_local_session_weight: { type: 'ignored', why: noTokens },
  connection_throttle_renew_session_weight: { type: 'ignored', why: noTokens },
  connection_throttle_weight_enabled: { type: 'ignored', why: noTokens },
  dataLogDir: { type: 'ignored', why: 'the log lies in dataDir' },
  'db.autoCreate': {
    type: 'ignored',
    why: 'a server without data waits until it knows where to get it',
  },
  'digest.enabled': { type: 'ignored', why: 'servers always compare digests of their trees' },
  electionAlg: { type: 'ignored', why: 'there is one election algorithm' },
  electionPortBindRetry: { type: 'ignored', why: 'the election port is not used' },
  'fastleader.*': { type: 'ignored', why: oneElection },
  'fips-mode': { type: 'ignored', why: noTls },
  flushDelay: { type: 'ignored', why: groupCommit },
  forceSync: { type: 'ignored', why: 'a write is on disk before it is acknowledged, always' },
  forward_learner_requests_to_commit_processor_disabled: { type: 'ignored', why: javaOnly },
  'jute.maxbuffer.extrasize': {
    type: 'ignored',
    why: 'what a transaction adds to a request is allowed for',
  },
  'jvm.*': { type: 'ignored', why: javaOnly },
  largeRequestMaxBytes: { type: 'ignored', why: 'the bytes of requests in flight are bounded' },
  largeRequestThreshold: { type: 'ignored', why: 'the bytes of requests in flight are bounded' },
  'leader.*': { type: 'ignored', why: 'each learner is sent what it misses at its own pace' },
  leaderServes: { type: 'ignored', why: 'the leader serves clients' },
  'learner.*': { type: 'ignored', why: 'messages between servers are sent at once' },
  localSessionsEnabled: { type: 'ignored', why: 'every session is global' },
  localSessionsUpgradingEnabled: { type: 'ignored', why: 'every session is global' },
  maxBatchSize: { type: 'ignored', why: groupCommit },
  maxConcurrentDiffSyncs: {
    type: 'ignored',
    why: 'each learner is sent what it misses at its own pace',
  },
  maxConcurrentSnapSyncs: {
    type: 'ignored',
    why: 'each learner is sent what it misses at its own pace',
  },
  maxGetChildrenResponseCacheSize: { type: 'ignored', why: noReplyCache },
  maxInProcessingDeadWatchers: { type: 'ignored', why: 'watches of a lost connection go with it' },
  maxResponseCacheSize: { type: 'ignored', why: noReplyCache },
  maxTimeToWaitForEpoch: { type: 'ignored', why: oneElection },
  maxWriteQueuePollTime: { type: 'ignored', why: groupCommit },
  'metricsProvider.*': { type: 'ignored', why: 'metrics are read with the four-letter word mntr' },
  'multiAddress.*': { type: 'ignored', why: 'a server has one address' },
  'netty.*': { type: 'ignored', why: javaOnly },
  'nio.*': { type: 'ignored', why: javaOnly },
  'observer.*': { type: 'ignored', why: noObservers },
  'outstandingHandshake.*': { type: 'ignored', why: noTls },
  preAllocSize: { type: 'ignored', why: 'logSegmentBytes sets the size that is allocated ahead' },
  'quorum.cnxn.threads.size': { type: 'ignored', why: javaOnly },
  quorumCnxnTimeoutMs: { type: 'ignored', why: 'there are no election connections' },
  requestStaleConnectionCheck: { type: 'ignored', why: noThrottler },
  requestStaleLatencyCheck: { type: 'ignored', why: noThrottler },
  requestThrottleDropStale: { type: 'ignored', why: noThrottler },
  requestThrottleLimit: { type: 'ignored', why: noThrottler },
  requestThrottleStallTime: { type: 'ignored', why: noThrottler },
  'request_throttler.*': { type: 'ignored', why: noThrottler },
  'serializeLastProcessedZxid.enabled': { type: 'ignored', why: noSnapshotFiles },
  serverCnxnFactory: { type: 'ignored', why: javaOnly },
  'snapshot.*': { type: 'ignored', why: noSnapshotFiles },
  snapCount: { type: 'ignored', why: noSnapshotFiles },
  snapSizeLimitInKb: { type: 'ignored', why: noSnapshotFiles },
  standaloneEnabled: { type: 'ignored', why: 'a server without server.N lines stands alone' },
  syncEnabled: { type: 'ignored', why: noObservers },
  tcpKeepAlive: { type: 'ignored', why: 'it is on, always' },
  throttledOpWaitTime: { type: 'ignored', why: noThrottler },
  txnLogSizeLimitInKb: { type: 'ignored', why: 'logSegmentBytes sets the size of a log file' },
  warningThresholdms: { type: 'ignored', why: 'the limit of the warning is fixed' },
  'watcherClean*': { type: 'ignored', why: 'watches of a lost connection go with it' },
  watchManagerName: { type: 'ignored', why: 'there is one kind of watch manager' },

  'DigestAuthenticationProvider.digestAlg': {
    type: 'refused',
    why: 'identities are SHA-1 digests, the default there',
    unless: ['SHA1', 'SHA-1'],
  },
  'DigestAuthenticationProvider.enabled': {
    type: 'refused',
    why: 'clients can always authenticate by digest',
    unless: ['true'],
  },
  'IPAuthenticationProvider.usexforwardedfor': {
    type: 'refused',
    why: 'a client has the address that it connects from',
    unless: ['false'],
  },
  'X509AuthenticationProvider.superUser': { type: 'refused', why: noTls },
  'audit.enable': { type: 'refused', why: 'there is no audit log', unless: ['false'] },
  'authProvider.*': { type: 'refused', why: noSasl },
  'client.portUnification': { type: 'refused', why: noTls, unless: ['false'] },
  configBackupDir: { type: 'refused', why: noReconfiguration },
  dynamicConfigFile: {
    type: 'refused',
    why: `${noReconfiguration}; put its server.N lines into this file`,
  },
  emulate353TTLNodes: {
    type: 'refused',
    why: 'the ephemeral owners of 3.5.3 are not understood',
    unless: ['false'],
  },
  ensembleAuthName: { type: 'refused', why: noSasl },
  'group.*': { type: 'refused', why: fixedQuorums },
  'kerberos.*': { type: 'refused', why: noSasl },
  observerMasterPort: { type: 'refused', why: noObservers, unless: ['0'] },
  peerType: { type: 'refused', why: noObservers, unless: ['participant'] },
  portUnification: { type: 'refused', why: noTls, unless: ['false'] },
  'quorum.auth.*': { type: 'refused', why: noSasl, unless: ['false'] },
  reconfigEnabled: { type: 'refused', why: noReconfiguration, unless: ['false'] },
  requireClientAuthScheme: { type: 'refused', why: noSasl },
  'sasl.*': { type: 'refused', why: noSasl },
  secureClientPort: { type: 'refused', why: noTls },
  secureClientPortAddress: { type: 'refused', why: noTls },
  sessionRequireClientSASLAuth: { type: 'refused', why: noSasl, unless: ['false'] },
  'ssl.*': { type: 'refused', why: noTls, unless: ['false'] },
  sslQuorum: { type: 'refused', why: noTls, unless: ['false'] },
  sslQuorumReloadCertFiles: { type: 'refused', why: noTls, unless: ['false'] },
  superUser: { type: 'refused', why: noTls },
  'weight.*': { type: 'refused', why: fixedQuorums, unless: ['1'] },
} as const satisfies OptionRows

export const daemonProgram: Program<typeof rows> = {
  name: 'zooweeperd',
  about: 'a server of the ZooWeeper coordination service.',
  environmentPrefix: 'ZW_',
  // ZooKeeper takes most of them as Java system properties, too, with this before them.
  namePrefix: 'zookeeper.',
  rows,
}

/** Where to listen. */
export interface ListenAddress {
  /** undefined is all addresses */
  readonly host: string | undefined
  /** 0 is any free port */
  readonly port: number
}

/** One `server.N` line. */
export interface ServerAddress {
  readonly id: ServerId
  readonly host: string
  readonly peerPort: number
  /** not used, but shown */
  readonly electionPort: number
  /** what stands after the semicolon */
  readonly client: ListenAddress | undefined
}

export interface DaemonConfig {
  readonly serverId: ServerId
  /** the voters, ascending by id, ourselves among them; empty for a server that stands alone */
  readonly servers: readonly ServerAddress[]
  /** absolute */
  readonly dataDir: string
  readonly clientListen: ListenAddress
  /** undefined for a server that stands alone */
  readonly peerListen: ListenAddress | undefined
  readonly tickTimeMs: number
  readonly initLimitTicks: number
  readonly syncLimitTicks: number
  readonly leaderTimeoutMs: number
  readonly minSessionTimeoutMs: number
  readonly maxSessionTimeoutMs: number
  /** Infinity is no limit */
  readonly connectionsPerAddressMax: number
  /** of all addresses; Infinity is no limit */
  readonly connectionsMax: number
  readonly sessionlessCnxnTimeoutMs: number
  readonly globalOutstandingLimit: number
  readonly juteMaxBuffer: number
  /** TTL znodes are allowed */
  readonly extendedTypesEnabled: boolean
  readonly containerCheckIntervalMs: number
  readonly containerMaxPerMinute: number
  /** 0 is never */
  readonly containerMaxNeverUsedIntervalMs: number
  readonly enforceQuota: boolean
  /** `user:base64(SHA1(user:password))` of the super user */
  readonly superDigest: string | undefined
  readonly skipAcl: boolean
  /** one of these a client must have proved; undefined asks for nothing */
  readonly enforcedAuthSchemes: readonly string[] | undefined
  readonly readOnlyModeEnabled: boolean
  /** those that are answered */
  readonly fourLetterWords: ReadonlySet<string>
  readonly fsyncWarningThresholdMs: number
  /** a majority may begin the ensemble */
  readonly bootstrap: boolean
  readonly logSegmentBytes: number
  readonly logKept: { readonly segments: number; readonly bytes: number }
  readonly logLevel: LogLevel
  readonly logFormat: 'json' | 'pretty'
  /** for the log, once there is one */
  readonly warnings: readonly string[]
}

/** `text` is for stdout (--help …); then the program is done. */
export type ConfigOrText =
  | { readonly type: 'config'; readonly config: DaemonConfig }
  | { readonly type: 'print'; readonly text: string }

/**
 * @param argv without node and script
 * @throws OptionError
 */
export function readConfig(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): ConfigOrText {
  const read = readOptions(daemonProgram, argv, environment)
  return read.type === 'print' ? read : { type: 'config', config: check(read) }
}

type Read = ReadOptions<typeof rows>

function check(read: Read): DaemonConfig {
  const { values } = read
  if (values.dataDir === undefined) {
    return read.refuse('dataDir', 'it has to be set, by dataDir= in the file or --data-dir')
  }
  const dataDir = resolve(values.dataDir)
  const servers = [...values['server.N']].map(([id, text]) => parseServer(read, id, text))
  for (const [i, server] of servers.entries()) {
    const before = servers.slice(0, i).find((other) => samePeer(other, server))
    if (before !== undefined) {
      read.refuse('server.N', `server.${before.id} has the same host and peer port`, server.id)
    }
  }
  const serverId = values.myid ?? myidOf(read, dataDir, servers.length > 0)
  const self = servers.find(({ id }) => id === serverId)
  if (self === undefined && servers.length > 0) {
    read.refuse('myid', `there is no server.${serverId} line`)
  }
  const warnings = [...read.warnings]
  const syncLimitMs = values.tickTime * values.syncLimit
  const leaderTimeoutMs = Math.min(values.leaderTimeoutMs ?? 600, syncLimitMs)
  if (values.leaderTimeoutMs !== undefined && values.leaderTimeoutMs > syncLimitMs) {
    warnings.push(`leaderTimeoutMs is ${syncLimitMs} and not ${values.leaderTimeoutMs}: \
tickTime × syncLimit is its upper bound`)
  }
  const minSessionTimeoutMs = sessionTimeout(read, 'minSessionTimeout', 2)
  const maxSessionTimeoutMs = sessionTimeout(read, 'maxSessionTimeout', 20)
  if (minSessionTimeoutMs > maxSessionTimeoutMs) {
    const least = `minSessionTimeout is ${minSessionTimeoutMs}`
    read.refuse(
      read.given('maxSessionTimeout') ? 'maxSessionTimeout' : 'minSessionTimeout',
      `the least session time-out is above the greatest, ${maxSessionTimeoutMs}: ${least}`,
    )
  }
  const peerListen = self && {
    host: values.quorumListenOnAllIPs ? undefined : self.host,
    port: self.peerPort,
  }
  if (peerListen !== undefined && !isLoopback(peerListen.host)) {
    const where = `${peerListen.host ?? 'all addresses'}, port ${peerListen.port}`
    warnings.push(`The peer port (${where}) is open beyond this machine, and servers do not \
authenticate each other: whoever reaches it can take over or destroy the ensemble's data. Let a \
firewall admit only the other servers`)
  }
  return {
    serverId: serverId as ServerId,
    servers,
    dataDir,
    clientListen: clientListen(read, self),
    peerListen,
    tickTimeMs: values.tickTime,
    initLimitTicks: values.initLimit,
    syncLimitTicks: values.syncLimit,
    leaderTimeoutMs,
    minSessionTimeoutMs,
    maxSessionTimeoutMs,
    connectionsPerAddressMax: values.maxClientCnxns === 0 ? Infinity : values.maxClientCnxns,
    connectionsMax: values.maxCnxns === 0 ? Infinity : values.maxCnxns,
    sessionlessCnxnTimeoutMs: values['nio.sessionlessCnxnTimeout'],
    globalOutstandingLimit: values.globalOutstandingLimit,
    juteMaxBuffer: values['jute.maxbuffer'],
    extendedTypesEnabled: values.extendedTypesEnabled,
    containerCheckIntervalMs: values['znode.container.checkIntervalMs'],
    containerMaxPerMinute: values['znode.container.maxPerMinute'],
    containerMaxNeverUsedIntervalMs: values['znode.container.maxNeverUsedIntervalMs'],
    enforceQuota: values.enforceQuota,
    superDigest: superDigest(read),
    skipAcl: values.skipACL,
    enforcedAuthSchemes: enforcedAuthSchemes(read),
    readOnlyModeEnabled: values['readonlymode.enabled'],
    fourLetterWords: whitelist(read, warnings),
    fsyncWarningThresholdMs: values['fsync.warningthresholdms'],
    bootstrap: values.bootstrap,
    logSegmentBytes: values.logSegmentBytes,
    logKept: { segments: values.logSegmentsKept, bytes: values.logBytesKept },
    logLevel: values.logLevel,
    logFormat: values.logFormat,
    warnings,
  }
}

const serverForm = 'it must be host:peerPort:electionPort[:participant][;[address:]clientPort]'

/** A host is a name, an IPv4 address, or an IPv6 address in brackets. */
const host = String.raw`\[[0-9a-fA-F:.%]+\]|[^\s:;|[\]]+`
const serverPattern = new RegExp(
  String.raw`^(${host}):(\d+):(\d+)(?::(\w+))?(?:;(?:(${host}):)?(\d+))?$`,
)

function parseServer(read: Read, id: number, text: string): ServerAddress {
  if (text.includes('|')) read.refuse('server.N', 'a server has one address', id)
  const [, host, peerPort, electionPort, role, clientHost, clientPort] =
    serverPattern.exec(text.replaceAll(/\s/g, '')) ?? []
  if (host === undefined) return read.refuse('server.N', serverForm, id)
  if (role?.toLowerCase() === 'observer') {
    read.refuse('server.N', 'observers are not supported yet', id)
  }
  if (role !== undefined && role.toLowerCase() !== 'participant') {
    read.refuse('server.N', serverForm, id)
  }
  const port = (digits: string | undefined, least = 1) => {
    const number = Number(digits)
    if (number >= least && number <= 65_535) return number
    return read.refuse('server.N', `a port is a number from ${least} to 65535`, id)
  }
  return {
    id: id as ServerId,
    host: withoutBrackets(host),
    peerPort: port(peerPort),
    electionPort: port(electionPort),
    client:
      clientPort === undefined
        ? undefined
        : { host: clientHost && withoutBrackets(clientHost), port: port(clientPort, 0) },
  }
}

function withoutBrackets(host: string): string {
  return host.startsWith('[') ? host.slice(1, -1) : host
}

function samePeer(a: ServerAddress, b: ServerAddress): boolean {
  return a.host.toLowerCase() === b.host.toLowerCase() && a.peerPort === b.peerPort
}

function isLoopback(host: string | undefined): boolean {
  return host !== undefined && /^(localhost|127\.\d+\.\d+\.\d+|::1)$/i.test(host)
}

function myidOf(read: Read, dataDir: string, inEnsemble: boolean): number {
  const file = join(dataDir, 'myid')
  let text: string
  try {
    text = readFileSync(file, 'utf8').trim()
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    if (missing && !inEnsemble) return 1
    const how = `write this server's number into ${file}, or give --myid`
    return read.refuse('myid', missing ? how : `${file} cannot be read: ${String(error)}`)
  }
  const id = Number(text)
  if (/^\d+$/.test(text) && id >= 1 && id <= 255) return id
  return read.refuse('myid', `${file} must hold a number from 1 to 255; it holds '${text}'`)
}

function sessionTimeout(
  read: Read,
  name: 'minSessionTimeout' | 'maxSessionTimeout',
  ticks: number,
): number {
  const given = read.values[name]
  if (given === 0)
    read.refuse(name, `it must be from 1 to ${sessionTimeoutMax}, or -1 for its default`)
  return given === -1 ? ticks * read.values.tickTime : given
}

function superDigest(read: Read): string | undefined {
  const name = 'DigestAuthenticationProvider.superDigest'
  const digest = read.values[name]
  if (digest === undefined || /^[^:]+:[A-Za-z0-9+/]{27}=$/.test(digest)) return digest
  return read.refuse(name, 'it must be user:base64(SHA1(user:password)), not a password')
}

function enforcedAuthSchemes(read: Read): readonly string[] | undefined {
  const schemes = wordsOf(read.values['enforce.auth.schemes'] ?? '')
  for (const scheme of schemes) {
    if (scheme === 'digest' || scheme === 'ip') continue
    read.refuse(
      'enforce.auth.schemes',
      `nobody can authenticate by ${scheme}; there are digest and ip`,
    )
  }
  if (!read.values['enforce.auth.enabled']) return undefined
  if (schemes.length > 0) return schemes
  return read.refuse('enforce.auth.enabled', 'enforce.auth.schemes does not say how')
}

function whitelist(read: Read, warnings: string[]): ReadonlySet<string> {
  const given = wordsOf(read.values['4lw.commands.whitelist'])
  for (const word of given) {
    if (word === '*' || isFourLetterWord(word)) continue
    warnings.push(`4lw.commands.whitelist has ${word}, which is no four-letter word`)
  }
  const words = new Set(given.includes('*') ? fourLetterWords : given)
  // A client of a read-only server asks the others until one may be written to.
  if (read.values['readonlymode.enabled']) words.add('isro')
  return words
}

function wordsOf(list: string): string[] {
  return list
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')
}

function clientListen(read: Read, self: ServerAddress | undefined): ListenAddress {
  const { clientPort, clientPortAddress } = read.values
  if (self?.client === undefined) return { host: clientPortAddress, port: clientPort }
  const { host, port } = self.client
  if (read.given('clientPort') && clientPort !== port) {
    read.refuse('clientPort', `the server.${self.id} line has client port ${port}`)
  }
  if (read.given('clientPortAddress') && host !== undefined && clientPortAddress !== host) {
    read.refuse('clientPortAddress', `the server.${self.id} line has client address ${host}`)
  }
  return { host: host ?? clientPortAddress, port }
}
