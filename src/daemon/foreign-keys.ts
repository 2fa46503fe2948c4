// ZooKeeper's configuration keys that have no effect here, and those that are refused: each with
// the reason given to the operator. Ignored are keys that tune how ZooKeeper works, or would grant
// more access than is granted here; refused are keys that, if ignored, would grant more access,
// expose more, or change the quorum that the operator configured. Values that change nothing pass
// without a warning, in both.
//
// Source: QuorumPeerConfig.java, the other system properties of ZooKeeper 3.9, and its
// administrator guide.

import type { OptionRows } from '../option-rows.ts'

const noRevocation = 'certificates are not checked for revocation: use short-lived ones'
const noBackup = 'the former file is kept beside the new one'
const noSasl = 'SASL of clients is DIGEST-MD5, not Kerberos'
const otherSchemes =
  'clients authenticate by digest, ip, x509 and sasl only; an ACL of another scheme is refused as INVALIDACL'
const noSuperByOther = 'superUser names the SASL user whom no ACL restricts'
const noPeerSasl = 'servers authenticate each other by peerSecretFile'
const clientsOnly = 'it is an option of clients'
const ownLog = 'logLevel and logFormat control the log on standard output'
const noSnapshotFiles = 'there are no snapshot files; the tree lies in LevelDB'
const fixedQuorums = 'a quorum is counted by the servers, their groups and their weights'
const javaOnly = 'it tunes the Java virtual machine, its threads or its network library'
const oneElection = 'leaderTimeoutMs and syncLimit control this'
const noThrottler = 'globalOutstandingLimit bounds the requests in flight'
const noTokens = 'maxCnxns and maxClientCnxns limit connections'
const followsLeader = 'an observer follows the leader itself, as soon as there is one'
const groupCommit = 'the writes that arrive during one fsync form the next batch'
const noReplyCache = 'there is no cache of replies'

export const foreignRows = {
  'admin.*': { type: 'ignored', why: 'there is no HTTP server; use the four-letter words' },
  advancedFlowControlEnabled: {
    type: 'ignored',
    why: 'reading pauses for a client that does not read its answers',
  },
  'audit.impl.class': {
    type: 'ignored',
    why: 'auditFile is where the audit log goes',
    unless: ['org.apache.zookeeper.audit.Slf4jAuditLogger'],
  },
  'authProvider.*': {
    type: 'ignored',
    why: otherSchemes,
    unless: ['org.apache.zookeeper.server.auth.SASLAuthenticationProvider'],
  },
  'autopurge.*': { type: 'ignored', why: 'the log is purged whenever one of its files is full' },
  bitHashCacheSize: { type: 'ignored', why: 'there is one kind of watch manager' },
  'client.secure': { type: 'ignored', why: clientsOnly },
  clientCnxnSocket: { type: 'ignored', why: clientsOnly },
  clientPortListenBacklog: { type: 'ignored', why: 'up to 1024 connections wait to be accepted' },
  clientTcpKeepAlive: { type: 'ignored', why: 'it is always on', unless: ['true'] },
  'closeSessionTxn.enabled': { type: 'ignored', why: 'a session always ends with a transaction' },
  cnxTimeout: { type: 'ignored', why: 'there are no election connections' },
  commitLogCount: { type: 'ignored', why: 'followers catch up from the log itself' },
  'commitProcessor.*': { type: 'ignored', why: javaOnly },
  configBackupDir: { type: 'ignored', why: noBackup },
  'connection_throttle_*': { type: 'ignored', why: noTokens },
  connectionDecreaseRatio: { type: 'ignored', why: noTokens },
  connectionDropDecrease: { type: 'ignored', why: noTokens },
  connectionDropIncrease: { type: 'ignored', why: noTokens },
  connectionFreezeTime: { type: 'ignored', why: noTokens },
  connectionMaxTokens: { type: 'ignored', why: noTokens },
  connectionTokenFillCount: { type: 'ignored', why: noTokens },
  connectionTokenFillTime: { type: 'ignored', why: noTokens },
  connectToLearnerMasterLimit: { type: 'ignored', why: 'initLimit limits it' },
  'console.threshold': { type: 'ignored', why: ownLog },
  controllerPort: { type: 'ignored', why: 'there is no controller service' },
  'datadir.autocreate': {
    type: 'ignored',
    why: 'dataDir is created if missing',
    unless: ['true'],
  },
  'db.autoCreate': {
    type: 'ignored',
    why: 'a server without data waits until it can synchronize',
  },
  'db.autocreate': {
    type: 'ignored',
    why: 'a server without data waits until it can synchronize',
  },
  'digest.enabled': { type: 'ignored', why: 'servers always compare digests of their trees' },
  disableAutoWatchReset: { type: 'ignored', why: clientsOnly },
  electionAlg: { type: 'ignored', why: 'there is one election algorithm' },
  electionPortBindRetry: { type: 'ignored', why: 'the election port is not used' },
  emulate353TTLNodes: {
    type: 'ignored',
    why: 'no znode was written by ZooKeeper 3.5.3',
    unless: ['false'],
  },
  enableEagerACLCheck: {
    type: 'ignored',
    why: 'the leader checks each request before it is proposed',
  },
  ensembleAuthName: { type: 'ignored', why: 'clients do not name the ensemble that they expect' },
  'fastleader.*': { type: 'ignored', why: oneElection },
  'fips-mode': { type: 'ignored', why: "OpenSSL's own configuration decides" },
  flushDelay: { type: 'ignored', why: groupCommit },
  'follower.*': { type: 'ignored', why: 'messages between servers are sent immediately' },
  forceSnapshotSync: { type: 'ignored', why: noSnapshotFiles },
  forceSync: { type: 'ignored', why: 'a write is always on disk before it is acknowledged' },
  forward_learner_requests_to_commit_processor_disabled: { type: 'ignored', why: javaOnly },
  'hostProvider.*': { type: 'ignored', why: clientsOnly },
  intBufferStartingSizeBytes: { type: 'ignored', why: javaOnly },
  'IPAuthenticationProvider.usexforwardedfor': {
    type: 'ignored',
    why: 'only HTTP requests have such a header, and there is no HTTP server',
    unless: ['false'],
  },
  jaasLoginRenew: { type: 'ignored', why: noSasl },
  'jmx.*': { type: 'ignored', why: javaOnly },
  'jute.maxbuffer.extrasize': {
    type: 'ignored',
    why: 'the overhead of a transaction is allowed for',
  },
  'jvm.*': { type: 'ignored', why: javaOnly },
  'kerberos.*': { type: 'ignored', why: noSasl },
  kinit: { type: 'ignored', why: noSasl },
  largeRequestMaxBytes: { type: 'ignored', why: 'the bytes of requests in flight are bounded' },
  largeRequestThreshold: { type: 'ignored', why: 'the bytes of requests in flight are bounded' },
  'leader.*': { type: 'ignored', why: 'each learner is synchronized at its own pace' },
  leaderConnectDelayDuringRetryMs: { type: 'ignored', why: oneElection },
  leaderServes: { type: 'ignored', why: 'the leader serves clients' },
  'learner.*': { type: 'ignored', why: 'messages between servers are sent immediately' },
  letAnySaslUserDoX: { type: 'ignored', why: noSuperByOther },
  localSessionsEnabled: { type: 'ignored', why: 'every session is global' },
  localSessionsUpgradingEnabled: { type: 'ignored', why: 'every session is global' },
  'log.*': { type: 'ignored', why: ownLog },
  maxBatchSize: { type: 'ignored', why: groupCommit },
  maxConcurrentDiffSyncs: {
    type: 'ignored',
    why: 'each learner is synchronized at its own pace',
  },
  maxConcurrentSnapSyncs: {
    type: 'ignored',
    why: 'each learner is synchronized at its own pace',
  },
  maxGetChildrenResponseCacheSize: { type: 'ignored', why: noReplyCache },
  maxInProcessingDeadWatchers: { type: 'ignored', why: 'watches end with their connection' },
  maxResponseCacheSize: { type: 'ignored', why: noReplyCache },
  maxTimeToWaitForEpoch: { type: 'ignored', why: oneElection },
  maxWriteQueuePollTime: { type: 'ignored', why: groupCommit },
  'messageTracker.*': { type: 'ignored', why: 'messages between servers are not kept' },
  'metricsProvider.*': { type: 'ignored', why: 'metrics are read with the four-letter word mntr' },
  'multiAddress.*': {
    type: 'ignored',
    why: 'a server may always have several addresses, and the next one is tried when one fails',
    unless: ['true'],
  },
  'netty.*': { type: 'ignored', why: javaOnly },
  'nio.*': { type: 'ignored', why: javaOnly },
  'observer.*': { type: 'ignored', why: followsLeader },
  'observerMaster.*': { type: 'ignored', why: followsLeader },
  observerMasterPort: { type: 'ignored', why: followsLeader, unless: ['0'] },
  'outstandingHandshake.*': { type: 'ignored', why: noTokens },
  'pathStats.*': { type: 'ignored', why: 'requests are not counted by path' },
  preAllocSize: { type: 'ignored', why: 'logSegmentBytes sets the preallocated size' },
  'quorum.auth.*': { type: 'ignored', why: noPeerSasl },
  'quorum.cnxn.threads.size': { type: 'ignored', why: javaOnly },
  quorumCnxnTimeoutMs: { type: 'ignored', why: 'there are no election connections' },
  'request.timeout': { type: 'ignored', why: clientsOnly },
  request_stale_connection_check: { type: 'ignored', why: noThrottler },
  request_stale_latency_check: { type: 'ignored', why: noThrottler },
  'request_throttle_*': { type: 'ignored', why: noThrottler },
  'request_throttler.*': { type: 'ignored', why: noThrottler },
  requestStaleConnectionCheck: { type: 'ignored', why: noThrottler },
  requestStaleLatencyCheck: { type: 'ignored', why: noThrottler },
  requestThrottleDropStale: { type: 'ignored', why: noThrottler },
  requestThrottleLimit: { type: 'ignored', why: noThrottler },
  requestThrottleStallTime: { type: 'ignored', why: noThrottler },
  requireKerberosConfig: { type: 'ignored', why: noSasl },
  'root.logger': { type: 'ignored', why: ownLog },
  'sasl.*': { type: 'ignored', why: noSasl },
  'security.auth_to_local': { type: 'ignored', why: noSasl },
  'serializeLastProcessedZxid.enabled': { type: 'ignored', why: noSnapshotFiles },
  'server.principal': { type: 'ignored', why: noSasl },
  'server.realm': { type: 'ignored', why: noSasl },
  serverCnxnFactory: { type: 'ignored', why: javaOnly },
  shuffleDnsResponse: { type: 'ignored', why: clientsOnly },
  snapCount: { type: 'ignored', why: noSnapshotFiles },
  'snapshot.*': { type: 'ignored', why: noSnapshotFiles },
  snapshotSizeFactor: { type: 'ignored', why: noSnapshotFiles },
  snapSizeLimitInKb: { type: 'ignored', why: noSnapshotFiles },
  'ssl.allowReverseDnsLookup': { type: 'ignored', why: 'it is always allowed', unless: ['true'] },
  'ssl.quorum.sslProvider': { type: 'ignored', why: javaOnly },
  'ssl.quorum.allowReverseDnsLookup': {
    type: 'ignored',
    why: 'a certificate names the host of a server.N line',
    unless: ['false'],
  },
  'ssl.sslProvider': { type: 'ignored', why: javaOnly },
  syncEnabled: { type: 'ignored', why: 'every observer writes a log', unless: ['true'] },
  tcpKeepAlive: { type: 'ignored', why: 'it is always on' },
  throttled_op_wait_time: { type: 'ignored', why: noThrottler },
  throttledOpWaitTime: { type: 'ignored', why: noThrottler },
  'tracelog.*': { type: 'ignored', why: ownLog },
  txnLogSizeLimitInKb: { type: 'ignored', why: 'logSegmentBytes sets the size of a log file' },
  warningThresholdms: { type: 'ignored', why: 'the threshold of the warning is fixed' },
  'watcherClean*': { type: 'ignored', why: 'watches end with their connection' },
  watchManagerName: { type: 'ignored', why: 'there is one kind of watch manager' },

  'DigestAuthenticationProvider.digestAlg': {
    type: 'refused',
    why: "identities are SHA-1 digests, ZooKeeper's default",
    unless: ['SHA1', 'SHA-1'],
  },
  'DigestAuthenticationProvider.enabled': {
    type: 'refused',
    why: 'clients can always authenticate by digest',
    unless: ['true'],
  },
  oraclePath: { type: 'refused', why: fixedQuorums },
  'quorum.auth.enableSasl': { type: 'refused', why: noPeerSasl, unless: ['false'] },
  'quorum.auth.learnerRequireSasl': { type: 'refused', why: noPeerSasl, unless: ['false'] },
  'quorum.auth.serverRequireSasl': { type: 'refused', why: noPeerSasl, unless: ['false'] },
  'ssl.authProvider': {
    type: 'refused',
    why: 'certificates give identities of x509',
    unless: ['x509'],
  },
  'ssl.context.supplier.class': { type: 'refused', why: 'there are no Java classes here' },
  'ssl.crl': { type: 'refused', why: noRevocation, unless: ['false'] },
  'ssl.quorum.context.supplier.class': { type: 'refused', why: 'there are no Java classes here' },
  'ssl.quorum.crl': { type: 'refused', why: noRevocation, unless: ['false'] },
  'ssl.quorum.ocsp': { type: 'refused', why: noRevocation, unless: ['false'] },
  'ssl.ocsp': { type: 'refused', why: noRevocation, unless: ['false'] },
} as const satisfies OptionRows
