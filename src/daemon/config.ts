// zooweeperd's option rows, and the one checked configuration object made of them.
//
// The file is ZooKeeper's zoo.cfg and `myid` in dataDir; the keys mean what they mean there. What
// ZooKeeper knows and we do not need is accepted with a warning; what we cannot do and would be
// missed, such as TLS, is refused. Source: QuorumPeerConfig.java and ZooKeeper's administrator guide.

import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type LogLevel, logLevels } from '../logger.ts'
import { type OptionRows, type Program, type ReadOptions, readOptions } from '../options.ts'
import type { ServerId } from '../protocol/records.ts'

const noTls = 'encrypted and authenticated connections are not supported yet'
const noReconfiguration = 'the ensemble cannot be changed while it runs yet'
const noAuthentication = 'authentication is not supported yet'
const fixedQuorums = 'a quorum is a majority of the servers, all of one weight'
const javaOnly = 'it tunes the Java virtual machine or its threads'

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
  quorumListenOnAllIPs: {
    type: 'boolean',
    default: false,
    about: 'Bind the peer port to all addresses instead of the one in our server.N line.',
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

  '4lw.commands.whitelist': {
    type: 'ignored',
    why: 'each four-letter word that exists is allowed',
  },
  'admin.*': { type: 'ignored', why: 'there is no HTTP server; use the four-letter words' },
  'autopurge.*': { type: 'ignored', why: 'the log is purged whenever a file of it is full' },
  clientPortListenBacklog: { type: 'ignored', why: 'the default of Node.js is used' },
  cnxTimeout: { type: 'ignored', why: 'there are no election connections' },
  commitLogCount: { type: 'ignored', why: 'followers catch up from the log itself' },
  connectToLearnerMasterLimit: { type: 'ignored', why: 'initLimit bounds it' },
  dataLogDir: { type: 'ignored', why: 'the log lies in dataDir' },
  electionAlg: { type: 'ignored', why: 'there is one election algorithm' },
  electionPortBindRetry: { type: 'ignored', why: 'the election port is not used' },
  extendedTypesEnabled: { type: 'ignored', why: 'there are no container and no TTL nodes yet' },
  fastleader: { type: 'ignored', why: 'leaderTimeoutMs and syncLimit decide' },
  'fastleader.*': { type: 'ignored', why: 'leaderTimeoutMs and syncLimit decide' },
  flushDelay: { type: 'ignored', why: 'writes are grouped by what arrives during one fsync' },
  forceSync: { type: 'ignored', why: 'a write is on disk before it is acknowledged, always' },
  'fsync.warningthresholdms': { type: 'ignored', why: 'the limit of the warning is fixed' },
  globalOutstandingLimit: { type: 'ignored', why: 'the limits are fixed' },
  'jute.maxbuffer': { type: 'ignored', why: 'the limit is 1 MiB, as it is by default there' },
  'jvm.*': { type: 'ignored', why: javaOnly },
  leaderServes: { type: 'ignored', why: 'the leader serves clients' },
  'learner.*': { type: 'ignored', why: 'commits are sent at once' },
  localSessionsEnabled: { type: 'ignored', why: 'every session is global' },
  localSessionsUpgradingEnabled: { type: 'ignored', why: 'every session is global' },
  maxBatchSize: { type: 'ignored', why: 'writes are grouped by what arrives during one fsync' },
  maxCnxns: { type: 'ignored', why: 'maxClientCnxns bounds connections' },
  maxResponseCacheSize: { type: 'ignored', why: 'there is no cache of replies' },
  'metricsProvider.*': { type: 'ignored', why: 'metrics are read with mntr' },
  'multiAddress.*': { type: 'ignored', why: 'a server has one address' },
  'nio.*': { type: 'ignored', why: javaOnly },
  preAllocSize: { type: 'ignored', why: 'logSegmentBytes sets the size that is allocated ahead' },
  'quorum.cnxn.threads.size': { type: 'ignored', why: javaOnly },
  'readonlymode.enabled': { type: 'ignored', why: 'a server without a quorum serves nobody' },
  reconfigEnabled: { type: 'ignored', why: noReconfiguration },
  serverCnxnFactory: { type: 'ignored', why: javaOnly },
  skipACL: { type: 'ignored', why: 'ACLs are not checked yet' },
  'snapshot.*': { type: 'ignored', why: 'there are no snapshot files' },
  snapCount: { type: 'ignored', why: 'there are no snapshot files' },
  snapSizeLimitInKb: { type: 'ignored', why: 'there are no snapshot files' },
  standaloneEnabled: { type: 'ignored', why: 'a server without server.N lines stands alone' },
  syncEnabled: { type: 'ignored', why: 'there are no observers yet' },
  warningThresholdms: { type: 'ignored', why: 'the limit of the warning is fixed' },

  'authProvider.*': { type: 'refused', why: noAuthentication },
  dynamicConfigFile: {
    type: 'refused',
    why: `${noReconfiguration}; put its server.N lines into this file`,
  },
  'group.*': { type: 'refused', why: fixedQuorums },
  observerMasterPort: { type: 'refused', why: 'there are no observers yet' },
  peerType: { type: 'refused', why: 'there are no observers yet; leave out peerType=participant' },
  portUnification: { type: 'refused', why: noTls },
  'quorum.auth.*': { type: 'refused', why: noAuthentication },
  requireClientAuthScheme: { type: 'refused', why: noAuthentication },
  secureClientPort: { type: 'refused', why: noTls },
  secureClientPortAddress: { type: 'refused', why: noTls },
  sessionRequireClientSASLAuth: { type: 'refused', why: noAuthentication },
  'ssl.*': { type: 'refused', why: noTls },
  sslQuorum: { type: 'refused', why: noTls },
  sslQuorumReloadCertFiles: { type: 'refused', why: noTls },
  'weight.*': { type: 'refused', why: fixedQuorums },
} as const satisfies OptionRows

export const daemonProgram: Program<typeof rows> = {
  name: 'zooweeperd',
  about: 'a server of the ZooWeeper coordination service.',
  environmentPrefix: 'ZW_',
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
  port(electionPort)
  return {
    id: id as ServerId,
    host: withoutBrackets(host),
    peerPort: port(peerPort),
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
