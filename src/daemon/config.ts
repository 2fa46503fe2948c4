// zooweeperd's checked configuration object, built from its option rows.
//
// The file is ZooKeeper's zoo.cfg, and `myid` in dataDir. ZooKeeper's keys that are not needed here
// are accepted with a warning; keys that are dangerous to ignore are refused.

import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { ListenAddress } from '../address.ts'
import { dataDirOf } from '../data-dir-option.ts'
import { foreignData, isOwn, zooKeeper } from '../foreign-directory.ts'
import type { ListenOrigin } from '../listen-error.ts'
import type { LogLevel } from '../logger.ts'
import { type ReadOptions, readOptions } from '../options.ts'
import type { ServerId } from '../protocol/records.ts'
import type { SaslOptions } from '../protocol/sasl/sasl-options.ts'
import { isDistinguishedName } from '../protocol/tls/distinguished-name.ts'
import type { PortTlsSettings } from '../protocol/tls/settings.ts'
import {
  isWildcard,
  parseQuorumServer,
  peerAddresses,
  peerRole,
  type QuorumServer,
  samePeer,
} from '../protocol/zk/quorum-server.ts'
import { daemonProgram, serverIdMax, sessionTimeoutMax } from './config-rows.ts'
import type { ConfigFiles } from './dynamic-config.ts'
import { fourLetterWords, isFourLetterWord } from './four-letter-word.ts'
import { votersOf } from './membership/membership.ts'
import { peerListens } from './membership/moves.ts'
import { readGroups, type VoterGroups } from './membership/voter-groups.ts'
import { requiresSasl, saslOptions } from './sasl-config.ts'
import {
  clientTls,
  passwordFileWarnings,
  provesServers,
  type QuorumTls,
  quorumTls,
} from './tls-config.ts'

export interface DaemonConfig {
  readonly serverId: ServerId
  /** voters and observers, by ascending id, with this server; empty for a server that stands alone */
  readonly servers: readonly QuorumServer[]
  /** undefined: a majority of the participants decides */
  readonly groups: VoterGroups | undefined
  /** absolute */
  readonly dataDir: string
  /** undefined: clients connect by TLS only */
  readonly clientListen: ListenAddress | undefined
  readonly secureClientListen: ListenAddress | undefined
  /** of the secure client port, and of clientPort if that takes TLS as well */
  readonly clientTls: PortTlsSettings | undefined
  readonly clientPortUnification: boolean
  /** none for a server that stands alone */
  readonly peerListen: readonly ListenAddress[]
  /** what the other servers have to know; absolute; undefined: they are taken on their word */
  readonly peerSecretFile: string | undefined
  readonly peerSecretRequired: boolean
  /** undefined: servers speak to each other in plaintext */
  readonly quorumTls: QuorumTls | undefined
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
  /** whether clients may change the ensemble, and servers that the files do not list may join */
  readonly reconfigEnabled: boolean
  /** to be kept up to date with the ensemble; undefined if its members are not in a file */
  readonly configFiles: ConfigFiles | undefined
  /** whether a change has to leave two voters */
  readonly standaloneEnabled: boolean
  /** TTL znodes are allowed */
  readonly extendedTypesEnabled: boolean
  readonly containerCheckIntervalMs: number
  readonly containerMaxPerMinute: number
  /** 0 is never */
  readonly containerMaxNeverUsedIntervalMs: number
  readonly enforceQuota: boolean
  /** `user:base64(SHA1(user:password))` of the super user */
  readonly superDigest: string | undefined
  /** the name in the certificate of the super user */
  readonly x509SuperUser: string | undefined
  readonly skipAcl: boolean
  /** undefined: clients cannot authenticate by SASL */
  readonly sasl: SaslOptions | undefined
  /** a client must have authenticated by one of these; undefined if none is required */
  readonly enforcedAuthSchemes: readonly string[] | undefined
  readonly auditEnabled: boolean
  /** absolute; undefined: the lines are part of the log */
  readonly auditFile: string | undefined
  readonly readOnlyModeEnabled: boolean
  /** those that are enabled */
  readonly fourLetterWords: ReadonlySet<string>
  readonly fsyncWarningThresholdMs: number
  /** whether a majority may start the ensemble */
  readonly bootstrap: boolean
  readonly logSegmentBytes: number
  readonly logKept: { readonly segments: number; readonly bytes: number }
  readonly logLevel: LogLevel
  readonly logFormat: 'json' | 'pretty'
  /** for the log, once it exists */
  readonly warnings: readonly string[]
  /** the user's options that the machine may refuse, for error messages */
  readonly origins: Origins
}

/** Each in the form 'clientPort=2181 from zoo.cfg:3'. */
export interface Origins {
  readonly dataDir: string
  readonly peerSecretFile: string
  readonly auditFile: string
  readonly client: ListenOrigin
  readonly secureClient: ListenOrigin
  /** undefined for a server that stands alone */
  readonly peer: ListenOrigin | undefined
}

/** `text` is for stdout (--help …); the program then exits. */
export type ConfigOrText =
  | { readonly type: 'config'; readonly config: DaemonConfig }
  | { readonly type: 'print'; readonly text: string | Promise<string> }

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

type Read = ReadOptions<typeof daemonProgram.rows>

function check(read: Read): DaemonConfig {
  const { values } = read
  const warnings = [...read.warnings]
  if (values.dataDir === undefined) {
    return read.refuse('dataDir', 'it must be set, by dataDir= in the file or by --data-dir')
  }
  const dataDir = dataDirOf({ read, value: values.dataDir, warnings })
  refuseForeignData(read, dataDir)
  const servers = [...values['server.N']].map(([id, text]) => parseServer(read, id, text))
  for (const [i, server] of servers.entries()) {
    const before = servers.slice(0, i).find((other) => samePeer(other, server))
    if (before !== undefined) {
      read.refuse('server.N', `server.${before.id} has the same host and peer port`, server.id)
    }
  }
  const groups = voterGroups(read, servers)
  if (servers.length > 0 && votersOf({ servers, groups }).length === 0) {
    read.refuse('server.N', 'every server is an observer: there must be a participant')
  }
  const serverId = values.myid ?? myidOf(read, dataDir, servers.length > 0)
  const self = servers.find(({ id }) => id === serverId)
  if (self === undefined && servers.length > 0) {
    read.refuse('myid', `there is no server.${serverId} line${inDynamicFile(read)}`)
  }
  const role = self?.role ?? 'participant'
  const peerType = peerRole(values.peerType)
  if (peerType === undefined) read.refuse('peerType', 'it must be participant or observer')
  if (read.given('peerType') && peerType !== role) {
    const found =
      self === undefined
        ? 'without server.N lines the server stands alone'
        : `the line server.${self.id} says ${role}, and it decides`
    warnings.push(`${read.quote('peerType')} has no effect: ${found}`)
  }
  if (values.dataLogDir !== undefined && resolve(values.dataLogDir) !== dataDir) {
    warnings.push(`${read.quote('dataLogDir')} has no effect here: the log is in dataDir`)
  }
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
  const peerListen =
    self === undefined
      ? []
      : peerListens(peerAddresses(self), { onAllAddresses: values.quorumListenOnAllIPs })
  const tls = quorumTls(read)
  warnings.push(...peerWarnings(read, { listen: peerListen, tls }), ...passwordFileWarnings(read))
  const client = clientListen(read, self)
  const sasl = saslOptions(read, warnings)
  return {
    serverId: serverId as ServerId,
    servers,
    groups,
    dataDir,
    clientListen: client.listen,
    secureClientListen:
      values.secureClientPort === undefined
        ? undefined
        : {
            host: values.secureClientPortAddress,
            port: values.secureClientPort,
          },
    clientTls: clientTls(read),
    clientPortUnification: values['client.portUnification'],
    peerListen,
    peerSecretFile: values.peerSecretFile && resolve(values.peerSecretFile),
    peerSecretRequired: values.peerSecretRequired,
    quorumTls: tls,
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
    reconfigEnabled: values.reconfigEnabled,
    configFiles: values.reconfigEnabled ? configFiles(read, servers) : undefined,
    standaloneEnabled: values.standaloneEnabled,
    containerCheckIntervalMs: values['znode.container.checkIntervalMs'],
    containerMaxPerMinute: values['znode.container.maxPerMinute'],
    containerMaxNeverUsedIntervalMs: values['znode.container.maxNeverUsedIntervalMs'],
    enforceQuota: values.enforceQuota,
    superDigest: superDigest(read),
    x509SuperUser: x509SuperUser(read),
    skipAcl: values.skipACL,
    sasl,
    enforcedAuthSchemes: enforcedAuthSchemes(read, sasl),
    auditEnabled: values['audit.enable'],
    auditFile: values.auditFile === undefined ? undefined : resolve(values.auditFile),
    readOnlyModeEnabled: values['readonlymode.enabled'],
    fourLetterWords: whitelist(read, warnings),
    fsyncWarningThresholdMs: values['fsync.warningthresholdms'],
    bootstrap: values.bootstrap,
    logSegmentBytes: values.logSegmentBytes,
    logKept: { segments: values.logSegmentsKept, bytes: values.logBytesKept },
    logLevel: values.logLevel,
    logFormat: values.logFormat,
    warnings,
    origins: {
      dataDir: read.quote('dataDir'),
      peerSecretFile: read.quote('peerSecretFile'),
      auditFile: read.quote('auditFile'),
      client: client.origin,
      secureClient: {
        host: read.quote('secureClientPortAddress'),
        port: read.quote('secureClientPort'),
      },
      peer: peerOrigin(read, self),
    },
  }
}

/** The risk of a peer port that believes its callers. */
function peerWarnings(
  read: Read,
  {
    listen,
    tls,
  }: { readonly listen: readonly ListenAddress[]; readonly tls: QuorumTls | undefined },
): readonly string[] {
  const { peerSecretFile, peerSecretRequired, insecure } = read.values
  const open = listen.find(({ host }) => !isLoopback(host))
  if (open === undefined || insecure) return []
  if (tls !== undefined && provesServers(tls)) return []
  const where = `The peer port (${open.host ?? 'all addresses'}, port ${open.port})`
  const risk = "a stranger can take over or destroy the ensemble's data"
  if (peerSecretFile === undefined) {
    const how =
      tls === undefined
        ? 'Set peerSecretFile, and let a firewall admit only the other servers'
        : 'Once every server speaks TLS, set sslQuorum=true, portUnification=false and ssl.quorum.clientAuth=need'
    return [`${where} is reachable from other machines and believes its callers: ${risk}. ${how}`]
  }
  if (peerSecretRequired) return []
  const how = 'Set peerSecretRequired=true once every server has the secret'
  return [`${where} also takes servers that prove nothing: ${risk}. ${how}`]
}

/** Existing data must be this program's: its owner's data would otherwise appear lost. */
function refuseForeignData(read: Read, dataDir: string): void {
  const found = look(read, 'dataDir', () => foreignData(dataDir, 'zooweeperd'))
  if (found?.program === zooKeeper) read.refuse('dataDir', `it holds ${whatOf(found.file)}`)
  if (found !== undefined) {
    const why = `it holds data of ${found.program} (${found.file})`
    read.refuse('dataDir', `${why}: give this server its own directory`)
  }
  const { dataLogDir } = read.values
  if (dataLogDir === undefined) return
  const log = look(read, 'dataLogDir', () => {
    // Once this server has its own tree, ZooKeeper's old log may stay where it is.
    if (isOwn(dataDir, 'zooweeperd')) return undefined
    return foreignData(resolve(dataLogDir), 'zooweeperd')
  })
  if (log?.program === zooKeeper) read.refuse('dataLogDir', `it holds ${whatOf(log.file)}`)
}

function whatOf(file: string): string {
  return `data of ZooKeeper (${file}), which this server cannot read. Keep it for ZooKeeper, give \
this server its own directories, and copy the znodes from the running ZooKeeper with zw copy; \
docs/compatibility.md shows each step`
}

function look<Found>(read: Read, name: 'dataDir' | 'dataLogDir', find: () => Found): Found {
  try {
    return find()
  } catch (error) {
    return read.refuse(name, `it cannot be read: ${(error as Error).message}`)
  }
}

function parseServer(read: Read, id: number, text: string): QuorumServer {
  const server = parseQuorumServer(id as ServerId, text)
  return typeof server === 'string' ? read.refuse('server.N', server, id) : server
}

/** Members that flags or the environment name would override the file at the next start. */
function configFiles(read: Read, servers: readonly QuorumServer[]): ConfigFiles | undefined {
  const { file } = read
  const included = read.included('dynamicConfigFile')
  const isWritten = ({ id }: QuorumServer): boolean => {
    const source = read.source('server.N', id)
    return [file, included].some((each) => source?.startsWith(`${each}:`) === true)
  }
  if (file === undefined || servers.length === 0 || !servers.every(isWritten)) return undefined
  return { staticFile: resolve(file), dynamicFile: included && resolve(included) }
}

function inDynamicFile(read: Read): string {
  const file = read.included('dynamicConfigFile')
  if (file === undefined) return ''
  return ` in ${file}. If this server was removed from the ensemble and is to come back, write its \
line there, start it, and add it with zw ensemble add`
}

function voterGroups(read: Read, servers: readonly QuorumServer[]): VoterGroups | undefined {
  const { 'group.N': groups, 'weight.N': weights } = read.values
  const found = readGroups(servers, { groups, weights })
  if (found.type === 'groups') return found.groups
  const { key, number, why } = found.problem
  return read.refuse(key === 'group' ? 'group.N' : 'weight.N', why, number)
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
  if (/^\d+$/.test(text) && id <= serverIdMax) return id
  const found = `it holds '${text}'`
  return read.refuse('myid', `${file} must hold a number from 0 to ${serverIdMax}; ${found}`)
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

function x509SuperUser(read: Read): string | undefined {
  const name = 'X509AuthenticationProvider.superUser'
  const user = read.values[name]
  if (user === undefined || isDistinguishedName(user)) return user
  return read.refuse(name, 'it must be the name in a certificate, such as CN=admin,O=Example')
}

function enforcedAuthSchemes(
  read: Read,
  sasl: SaslOptions | undefined,
): readonly string[] | undefined {
  if (requiresSasl(read, sasl)) return ['sasl']
  const schemes = wordsOf(read.values['enforce.auth.schemes'] ?? '')
  for (const scheme of schemes) {
    if (scheme === 'digest' || scheme === 'ip' || scheme === 'x509') continue
    if (scheme === 'sasl' && sasl !== undefined) continue
    read.refuse(
      'enforce.auth.schemes',
      `clients cannot authenticate by ${scheme}; use digest, ip, x509, or sasl with \
java.security.auth.login.config`,
    )
  }
  if (!read.values['enforce.auth.enabled']) return undefined
  if (schemes.length > 0) return schemes
  return read.refuse('enforce.auth.enabled', 'it also needs enforce.auth.schemes')
}

function whitelist(read: Read, warnings: string[]): ReadonlySet<string> {
  const given = wordsOf(read.values['4lw.commands.whitelist'])
  for (const word of given) {
    if (word === '*' || isFourLetterWord(word)) continue
    warnings.push(`4lw.commands.whitelist has ${word}, which is not a known four-letter word`)
  }
  const words = new Set(given.includes('*') ? fourLetterWords : given)
  // A client of a read-only server polls the others until one accepts writes.
  if (read.values['readonlymode.enabled']) words.add('isro')
  return words
}

function wordsOf(list: string): string[] {
  return list
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')
}

function clientListen(
  read: Read,
  self: QuorumServer | undefined,
): { readonly listen: ListenAddress | undefined; readonly origin: ListenOrigin } {
  const { clientPort, clientPortAddress, secureClientPort } = read.values
  const ofOptions = { host: read.quote('clientPortAddress'), port: read.quote('clientPort') }
  if (self?.client === undefined) {
    const isAsked = read.given('clientPort') || read.values['client.portUnification']
    if (secureClientPort !== undefined && !isAsked) return { listen: undefined, origin: ofOptions }
    return { listen: { host: clientPortAddress, port: clientPort }, origin: ofOptions }
  }
  const { host, port } = self.client
  if (read.given('clientPort') && clientPort !== port) {
    read.refuse('clientPort', `the server.${self.id} line has client port ${port}`)
  }
  const line = read.quote('server.N', self.id)
  // ZooKeeper prints a line without an address for clients with that of all addresses.
  if (isWildcard(host) && clientPortAddress !== undefined) {
    return {
      listen: { host: clientPortAddress, port },
      origin: { host: ofOptions.host, port: line },
    }
  }
  if (read.given('clientPortAddress') && clientPortAddress !== host) {
    read.refuse('clientPortAddress', `the server.${self.id} line has client address ${host}`)
  }
  return {
    listen: { host, port },
    origin: { host: host === undefined ? ofOptions.host : line, port: line },
  }
}

function peerOrigin(read: Read, self: QuorumServer | undefined): ListenOrigin | undefined {
  if (self === undefined) return undefined
  const line = read.quote('server.N', self.id)
  return { host: line, port: line }
}
