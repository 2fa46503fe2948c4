// zooweeperd's option rows: every key of zoo.cfg with its type, bounds, default and description.
// The keys have ZooKeeper's meaning, including its Java system properties. config.ts builds the
// configuration from them; docs/configuration.md lists them.
//
// Source: QuorumPeerConfig.java and ZooKeeper's administrator guide.

import { limits } from '../limits.ts'
import { logLevels } from '../logger.ts'
import type { OptionRows, Program } from '../option-rows.ts'
import { foreignRows } from './foreign-keys.ts'
import { jvmFlagSettings } from './jvm-flags.ts'
import { clientTlsRows, quorumTlsRows } from './tls-rows.ts'

export const sessionTimeoutMax = 2 ** 31 - 1

/** ZooKeeper's manual says 1 to 255, its code accepts any number; here an id is only a name. */
export const serverIdMax = 2 ** 31 - 1

const rows = {
  dataDir: {
    type: 'text',
    default: undefined,
    about: 'Directory of all data of this server: log, tree, and the file myid.',
  },
  dataLogDir: {
    type: 'text',
    default: undefined,
    about:
      "ZooKeeper's log directory. Here the log is in dataDir, and this directory is only " +
      'checked: the server does not start if it holds a ZooKeeper log.',
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
    about: 'Address of the client port.',
  },
  'server.N': {
    type: 'numbered',
    min: 0,
    max: serverIdMax,
    example: 'zoo1.example.com:2888:3888',
    about:
      'Server N of the ensemble, ' +
      'host:peerPort:electionPort[:role][;[address:]clientPort]; the same on every server. The ' +
      'role is participant, by default, or observer, which serves clients and does not vote. The ' +
      'election port is not used. Several addresses are separated by vertical bars: the server ' +
      'listens on each, and the others use one that they reach. Without such lines the server ' +
      'stands alone.',
  },
  'group.N': {
    type: 'numbered',
    min: 0,
    max: serverIdMax,
    example: '1:2:3',
    about:
      'Ids of the participants in group N. With groups, more than half of the groups have to agree, ' +
      'each by more than half of its weight. Every participant is in one; the same on every server.',
  },
  'weight.N': {
    type: 'numbered',
    min: 0,
    max: serverIdMax,
    example: '1',
    about: 'Weight of the vote of server N in its group; 1 by default. With 0 it does not vote.',
  },
  peerType: {
    type: 'text',
    default: 'participant',
    about:
      'What this server is, participant or observer. Its server.N line decides; a different ' +
      'value here is only a warning.',
  },
  reconfigEnabled: {
    type: 'boolean',
    default: false,
    about:
      'Whether the ensemble can be changed while it runs, by clients that may write ' +
      '/zookeeper/config. Then servers that are not listed may join, too, without a vote.',
  },
  standaloneEnabled: {
    type: 'boolean',
    default: true,
    about:
      'Whether a change of the ensemble must leave at least two voters; otherwise one is enough.',
  },
  peerSecretFile: {
    type: 'text',
    default: undefined,
    defaultText: 'none: servers believe each other',
    about:
      'File with the secret by which the servers of the ensemble prove who they are to each other, ' +
      'the same on every machine; `zw secret FILE` makes it. It does not encrypt.',
  },
  peerSecretRequired: {
    type: 'boolean',
    default: true,
    about:
      'Whether a server that does not prove itself is refused. With false, the secret can be given ' +
      'to one server of a running ensemble after the other; then set true on each.',
  },
  insecure: {
    type: 'boolean',
    default: false,
    about: 'Whether the warning about a peer port that strangers can use is left out.',
  },
  ...clientTlsRows,
  ...quorumTlsRows,
  dynamicConfigFile: {
    type: 'include',
    // The version number of ZooKeeper's dynamic configuration.
    skipped: ['version'],
    about:
      'File with more keys, usually the server.N lines; it is read as part of this file. With ' +
      'reconfigEnabled, each configuration of the ensemble is written to such a file, which this ' +
      'file then names; the first time, this file is kept as .bak.',
  },
  myid: {
    type: 'integer',
    default: undefined,
    defaultText: 'the file myid in dataDir; 1 for a server that stands alone',
    min: 0,
    max: serverIdMax,
    about: 'The number N of the server.N line that is this server.',
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
    about: 'Ticks within which a server must find a leader and synchronize with it.',
  },
  syncLimit: {
    type: 'integer',
    default: 5,
    min: 1,
    max: 10_000,
    about: 'Ticks of silence after which a follower is dropped.',
  },
  leaderTimeoutMs: {
    type: 'integer',
    default: undefined,
    defaultText: '600, at most tickTime × syncLimit',
    min: 20,
    max: 600_000,
    about: 'Milliseconds of silence after which a leader is considered dead.',
  },
  minSessionTimeout: {
    type: 'integer',
    default: -1,
    defaultText: '2 × tickTime',
    min: -1,
    max: sessionTimeoutMax,
    about: 'Lower bound of session time-outs in milliseconds, whatever a client requests.',
  },
  maxSessionTimeout: {
    type: 'integer',
    default: -1,
    defaultText: '20 × tickTime',
    min: -1,
    max: sessionTimeoutMax,
    about: 'Upper bound of session time-outs in milliseconds, whatever a client requests.',
  },
  maxClientCnxns: {
    type: 'integer',
    default: 60,
    min: 0,
    max: 1_000_000,
    clamped: 'both',
    about: 'Connections allowed per address; 0 is no limit.',
  },
  maxCnxns: {
    type: 'integer',
    default: 0,
    min: 0,
    max: 10_000_000,
    clamped: 'both',
    about: 'Connections allowed for all clients together; 0 is no limit.',
  },
  'nio.sessionlessCnxnTimeout': {
    type: 'integer',
    default: limits.handshakeMs,
    min: 1,
    max: 3_600_000,
    clamped: 'above',
    about: 'Milliseconds within which a connection must request a session.',
  },
  globalOutstandingLimit: {
    type: 'integer',
    default: limits.proposalsInFlightMax,
    min: 1,
    max: limits.proposalsInFlightMax,
    clamped: 'above',
    about:
      'Requests in flight above which this server stops reading from the clients that send them.',
  },
  'jute.maxbuffer': {
    type: 'integer',
    default: limits.clientFrameBytesMax,
    min: 1024,
    max: limits.clientFrameBytesCeiling,
    hexadecimal: true,
    clamped: 'above',
    about:
      'Bytes of the largest request, and so of a znode: a client that sends a larger one is ' +
      "disconnected. Clients have their own limit for what they read; Java's has the same name.",
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
    clamped: 'above',
    about: 'Milliseconds between searches for container and TTL znodes that are due.',
  },
  'znode.container.maxPerMinute': {
    type: 'integer',
    default: 10_000,
    min: 1,
    max: 10_000_000,
    clamped: 'above',
    about: 'Container and TTL znodes deleted per minute, at most.',
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
    about: 'Whether hard quota limits are enforced; otherwise they are only stored.',
  },
  'DigestAuthenticationProvider.superDigest': {
    type: 'text',
    default: undefined,
    defaultText: 'none',
    secret: true,
    about:
      'The super user, who bypasses all ACLs: user:base64(SHA1(user:password)); the user is ' +
      'usually super.',
  },
  skipACL: {
    type: 'boolean',
    default: false,
    about: 'Whether ACL checks are skipped, so that every client may do everything.',
  },
  'java.security.auth.login.config': {
    type: 'text',
    default: undefined,
    defaultText: 'none: no SASL',
    about:
      'File with the users of SASL DIGEST-MD5, as for ZooKeeper: section Server, DigestLoginModule, ' +
      'user_NAME="password".',
  },
  'sasl.serverconfig': {
    type: 'text',
    default: 'Server',
    about: 'Section of java.security.auth.login.config that has the users.',
  },
  superUser: {
    type: 'text',
    default: undefined,
    defaultText: 'none',
    about: 'SASL user who bypasses all ACLs.',
  },
  'SASLAuthenticationProvider.superPassword': {
    type: 'text',
    default: undefined,
    defaultText: 'none',
    secret: true,
    about: 'Password of the SASL user super, whom the ACLs of all SASL users admit.',
  },
  allowSaslFailedClients: {
    type: 'boolean',
    default: false,
    about: 'Whether a client that fails to authenticate by SASL goes on without a name.',
  },
  requireClientAuthScheme: {
    type: 'text',
    default: undefined,
    defaultText: 'none',
    about: 'sasl: the same as sessionRequireClientSASLAuth.',
  },
  sessionRequireClientSASLAuth: {
    type: 'boolean',
    default: false,
    about: 'Whether a client must authenticate by SASL before any other request.',
  },
  'enforce.auth.enabled': {
    type: 'boolean',
    default: false,
    about:
      'Whether a client must authenticate by one of enforce.auth.schemes before any other request.',
  },
  'enforce.auth.schemes': {
    type: 'text',
    default: undefined,
    defaultText: 'none',
    about: 'Accepted schemes, separated by commas: digest, ip, x509, sasl. One is enough.',
    aliases: ['enforce.auth.scheme'],
  },
  'audit.enable': {
    type: 'boolean',
    default: false,
    about:
      'Whether changes of znodes, and the start and stop of this server, are written to the audit ' +
      "log, in ZooKeeper's lines.",
  },
  auditFile: {
    type: 'text',
    default: undefined,
    defaultText: 'none: the lines are part of the log',
    about: 'File that the audit log is appended to.',
  },
  'readonlymode.enabled': {
    type: 'boolean',
    default: false,
    about:
      'Whether a server that has lost its quorum serves reads to clients that accept that; these ' +
      'reads may be stale, and writes are refused.',
  },
  '4lw.commands.whitelist': {
    type: 'text',
    default: 'srvr',
    about:
      'Enabled four-letter words, separated by commas; * enables all. With readonlymode.enabled, ' +
      'isro is always enabled.',
  },
  quorumListenOnAllIPs: {
    type: 'boolean',
    default: false,
    about:
      "Whether the peer port listens on all addresses instead of the one in this server's " +
      'server.N line.',
  },
  'fsync.warningthresholdms': {
    type: 'integer',
    default: 1000,
    min: 1,
    max: 3_600_000,
    clamped: 'above',
    about: 'Milliseconds above which an fsync of the log is logged as a warning.',
  },
  bootstrap: {
    type: 'boolean',
    default: false,
    about:
      'For the first start of an ensemble, without waiting for all of its servers: those started ' +
      'with this option may begin once they are a majority. Never use it on servers that lost ' +
      'their data.',
  },
  logSegmentBytes: {
    type: 'integer',
    default: 64 * 1024 * 1024,
    min: 4 * 1024 * 1024,
    max: 1024 * 1024 * 1024,
    about: 'Size of one file of the transaction log, preallocated.',
  },
  logSegmentsKept: {
    type: 'integer',
    default: 3,
    min: 1,
    max: 1_000_000,
    clamped: 'both',
    about:
      'Minimum number of full log files kept, even if the tree covers them, so that a returning ' +
      'server is sent a DIFF instead of the whole tree.',
    aliases: ['autopurge.snapRetainCount'],
  },
  logBytesKept: {
    type: 'integer',
    default: 0,
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    about: 'Minimum bytes of transactions kept, even if the tree covers them.',
  },
  logLevel: {
    type: 'choice',
    default: 'info',
    choices: logLevels,
    about: 'Level of the log on standard output.',
  },
  logFormat: {
    type: 'choice',
    default: 'json',
    choices: ['json', 'pretty'],
    about: 'One JSON object per line, or readable lines.',
  },
  ...foreignRows,
} as const satisfies OptionRows

export const daemonProgram: Program<typeof rows> = {
  name: 'zooweeperd',
  about: 'a server of the ZooWeeper coordination service.',
  environmentPrefix: 'ZW_',
  // ZooKeeper also accepts most of them as Java system properties, with this prefix.
  namePrefix: 'zookeeper.',
  foreignSettings: jvmFlagSettings,
  rows,
}
