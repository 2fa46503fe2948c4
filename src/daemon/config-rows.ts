// zooweeperd's option rows: every key of zoo.cfg with its type, bounds, default and words for people.
// The keys mean what they mean in ZooKeeper, its Java system properties among them. config.ts makes
// the configuration of them; docs/configuration.md shows all.
//
// Source: QuorumPeerConfig.java and ZooKeeper's administrator guide.

import { limits } from '../limits.ts'
import { logLevels } from '../logger.ts'
import type { OptionRows, Program } from '../option-rows.ts'
import { foreignRows } from './foreign-keys.ts'
import { jvmFlagSettings } from './jvm-flags.ts'

export const sessionTimeoutMax = 2 ** 31 - 1

/** ZooKeeper's manual says 1 to 255, its code takes what is a number; here an id is only a name. */
export const serverIdMax = 2 ** 31 - 1

const rows = {
  dataDir: {
    type: 'text',
    default: undefined,
    about: 'Directory of everything this server keeps: log, tree, and the file myid.',
  },
  dataLogDir: {
    type: 'text',
    default: undefined,
    about:
      'Where ZooKeeper keeps its log. Here the log lies in dataDir, and this directory is only looked ' +
      'at: with the log of a ZooKeeper in it the server does not start.',
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
    min: 0,
    max: serverIdMax,
    example: 'zoo1.example.com:2888:3888',
    about:
      'Server N of the ensemble, host:peerPort:electionPort[:participant][;[address:]clientPort]; ' +
      'the same on every server. The election port is not used. None: this server stands alone.',
  },
  dynamicConfigFile: {
    type: 'include',
    // ZooKeeper's number of that configuration.
    skipped: ['version'],
    about: 'File of more keys, the server.N lines as a rule; it is read as a part of this one.',
  },
  myid: {
    type: 'integer',
    default: undefined,
    defaultText: 'what the file myid in dataDir says; 1 for a server that stands alone',
    min: 0,
    max: serverIdMax,
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
    clamped: 'both',
    about: 'Connections that one address may have; 0 is no limit.',
  },
  maxCnxns: {
    type: 'integer',
    default: 0,
    min: 0,
    max: 10_000_000,
    clamped: 'both',
    about: 'Connections that all clients together may have; 0 is no limit.',
  },
  'nio.sessionlessCnxnTimeout': {
    type: 'integer',
    default: limits.handshakeMs,
    min: 1,
    max: 3_600_000,
    clamped: 'above',
    about: 'Milliseconds that a connection may take to ask for its session.',
  },
  globalOutstandingLimit: {
    type: 'integer',
    default: limits.proposalsInFlightMax,
    min: 1,
    max: limits.proposalsInFlightMax,
    clamped: 'above',
    about:
      'Requests in flight beyond which this server reads no more from the clients that send them.',
  },
  'jute.maxbuffer': {
    type: 'integer',
    default: limits.clientFrameBytesMax,
    min: 1024,
    max: limits.clientFrameBytesCeiling,
    hexadecimal: true,
    clamped: 'above',
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
    clamped: 'above',
    about: 'Milliseconds from one search for container and TTL znodes that are due to the next.',
  },
  'znode.container.maxPerMinute': {
    type: 'integer',
    default: 10_000,
    min: 1,
    max: 10_000_000,
    clamped: 'above',
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
    clamped: 'above',
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
    clamped: 'both',
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
  ...foreignRows,
} as const satisfies OptionRows

export const daemonProgram: Program<typeof rows> = {
  name: 'zooweeperd',
  about: 'a server of the ZooWeeper coordination service.',
  environmentPrefix: 'ZW_',
  // ZooKeeper takes most of them as Java system properties, too, with this before them.
  namePrefix: 'zookeeper.',
  foreignSettings: jvmFlagSettings,
  rows,
}
