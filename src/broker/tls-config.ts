// A broker's one listener, as Kafka's options describe it, and the TLS of its connections: to clients
// and other brokers, and to ZooWeeper.

import { resolve } from 'node:path'
import type { ReadOptions } from '../options.ts'
import { cipherSuites } from '../protocol/tls/cipher-suites.ts'
import { protocolVersions } from '../protocol/tls/protocol-versions.ts'
import type { PortTlsSettings, StoreSettings, TlsSettings } from '../protocol/tls/settings.ts'
import type { brokerProgram } from './config-rows.ts'
import { type SecurityProtocol, securityProtocols } from './tls-rows.ts'

type Read = ReadOptions<typeof brokerProgram.rows>

export interface BrokerListener {
  readonly protocol: SecurityProtocol
  /** host and port of `listeners`; undefined: those of the options host and port */
  readonly listen: Place | undefined
  /** undefined: that of the option advertisedHost, and the port that is bound */
  readonly advertised: Place | undefined
}

interface Place {
  readonly host: string
  readonly port: number
}

export interface BrokerTls {
  readonly settings: PortTlsSettings
  readonly takesPlaintext: boolean
  /** certificates of other brokers have to name their hosts */
  readonly verifiesHost: boolean
}

export interface ZooKeeperTls {
  readonly settings: TlsSettings
  readonly verifiesHost: boolean
}

export function listenerOf(read: Read): BrokerListener {
  const { values } = read
  const listener = parse(read, 'listeners')
  const advertised = parse(read, 'advertised.listeners')
  const protocol = listener?.protocol ?? 'PLAINTEXT'
  if (advertised !== undefined && advertised.protocol !== protocol) {
    read.refuse('advertised.listeners', `its protocol has to be that of listeners, ${protocol}`)
  }
  const between = values['security.inter.broker.protocol']
  if (between !== undefined && between !== protocol) {
    const why = `it has to be that of listeners, ${protocol}: a broker has one port`
    read.refuse('security.inter.broker.protocol', why)
  }
  if (protocol.startsWith('SASL_') && values.saslMechanisms === '') {
    read.refuse('listeners', 'no client could authenticate itself: set saslMechanisms, too')
  }
  return { protocol, listen: listener, advertised }
}

type Named = Place & { readonly protocol: SecurityProtocol }

function parse(read: Read, name: 'listeners' | 'advertised.listeners'): Named | undefined {
  const given = read.values[name]
  if (given === undefined) return undefined
  if (given.includes(',')) read.refuse(name, 'a broker has one port: name one listener')
  const [, word = '', host = '', port = ''] =
    /^(\w+):\/\/(\[[0-9a-fA-F:.%]+\]|[^\s:/[\]]*):(\d{1,5})$/.exec(given.trim()) ?? []
  const protocol = securityProtocols.find((known) => known === word)
  if (protocol === undefined || Number(port) > 65_535) {
    read.refuse(name, `it must be PROTOCOL://host:port, one of ${securityProtocols.join(', ')}`)
  }
  const bare = host.startsWith('[') ? host.slice(1, -1) : host
  if (bare === '' && name === 'advertised.listeners') read.refuse(name, 'it needs a host')
  return { protocol, host: bare === '' ? '0.0.0.0' : bare, port: Number(port) }
}

/** @returns undefined if the listener speaks no TLS */
export function brokerTls(read: Read, { protocol }: BrokerListener): BrokerTls | undefined {
  const { values } = read
  if (!protocol.endsWith('SSL')) {
    if (values.portUnification) read.refuse('portUnification', 'it needs listeners=SSL://…')
    return undefined
  }
  if (values['ssl.keystore.location'] === undefined) {
    read.refuse('listeners', 'it needs ssl.keystore.location, with a key and its certificate')
  }
  const clientAuth = clientAuths[values['ssl.client.auth']]
  if (clientAuth !== 'none' && values['ssl.truststore.location'] === undefined) {
    read.refuse('ssl.client.auth', 'it needs ssl.truststore.location, with the authorities')
  }
  const settings = {
    clientAuth,
    verifiesClientHost: false,
    detectionMs: detectionMsDefault,
  } as const
  const list = values['ssl.enabled.protocols']
  return {
    settings: Object.assign(settings, stores(read, 'ssl'), versions(read, list), {
      ciphers: ciphers(read),
      isReloaded: true,
    }),
    takesPlaintext: values.portUnification,
    verifiesHost: values['ssl.endpoint.identification.algorithm'] === 'https',
  }
}

const clientAuths = { none: 'none', requested: 'want', required: 'need' } as const

/** As in ZooKeeper. */
const detectionMsDefault = 5000

/** @returns undefined for plaintext */
export function zooKeeperTls(read: Read): ZooKeeperTls | undefined {
  const { values } = read
  if (!values['zookeeper.ssl.client.enable']) return undefined
  const settings = { ciphers: undefined, isReloaded: true } as const
  return {
    settings: Object.assign({}, settings, stores(read, 'zookeeper.ssl'), versions(read, undefined)),
    verifiesHost: values['zookeeper.ssl.endpoint.identification.algorithm'] === 'https',
  }
}

function stores(
  read: Read,
  prefix: 'ssl' | 'zookeeper.ssl',
): Pick<TlsSettings, 'keyStore' | 'trustStore'> {
  return {
    keyStore: store(read, `${prefix}.keystore`),
    trustStore: store(read, `${prefix}.truststore`),
  }
}

function store(
  read: Read,
  name: `${'ssl' | 'zookeeper.ssl'}.${'keystore' | 'truststore'}`,
): StoreSettings | undefined {
  const { values } = read
  const location = values[`${name}.location`]
  if (location === undefined) return undefined
  const keyPassword = name === 'ssl.keystore' ? values['ssl.key.password'] : undefined
  return {
    files: [resolve(location)],
    type: values[`${name}.type`],
    password: values[`${name}.password`] ?? keyPassword,
    passwordFile: undefined,
    quoted: read.quote(`${name}.location`),
  }
}

function versions(
  read: Read,
  list: string | undefined,
): Pick<TlsSettings, 'minProtocol' | 'maxProtocol'> {
  const found = protocolVersions(list ?? '')
  return found.type === 'known' ? found.versions : read.refuse('ssl.enabled.protocols', found.why)
}

function ciphers(read: Read): string | undefined {
  const list = read.values['ssl.cipher.suites']
  if (list === undefined) return undefined
  const suites = cipherSuites(list)
  if (suites.type === 'known') return suites.ciphers
  return read.refuse('ssl.cipher.suites', `${suites.suite} is no cipher suite of OpenSSL here`)
}
