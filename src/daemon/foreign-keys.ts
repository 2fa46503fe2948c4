// What of ZooKeeper's configuration does nothing here, and what is refused: each key with the reason
// that its operator is told. Ignored is what only tunes how ZooKeeper does its work; refused, unless
// it has a value that asks for nothing, is what cannot be ignored without danger, such as TLS.
//
// Source: QuorumPeerConfig.java and ZooKeeper's administrator guide.

import type { OptionRows } from '../options.ts'

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

export const foreignRows = {
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
