// The TLS options of a server, checked and put together. Which files exist and what they hold is
// found out at start: protocol/tls/credentials.ts.

import { resolve } from 'node:path'
import type { ReadOptions } from '../options.ts'
import { cipherSuites } from '../protocol/tls/cipher-suites.ts'
import { protocolVersions } from '../protocol/tls/protocol-versions.ts'
import type {
  PortTlsSettings,
  StoreSettings,
  TlsProtocol,
  TlsSettings,
} from '../protocol/tls/settings.ts'
import { isOpenToOthers } from '../secret-file.ts'
import type { daemonProgram } from './config-rows.ts'

type Read = ReadOptions<typeof daemonProgram.rows>

type Prefix = 'ssl' | 'ssl.quorum'

/** @returns undefined if no port for clients speaks TLS */
export function clientTls(read: Read): PortTlsSettings | undefined {
  const { values } = read
  const isUnified = values['client.portUnification']
  if (values.secureClientPort === undefined && !isUnified) return undefined
  const asked = isUnified ? 'client.portUnification' : 'secureClientPort'
  if (values['ssl.keyStore.location'] === undefined) {
    read.refuse(asked, 'it needs ssl.keyStore.location, with a private key and its certificate')
  }
  const clientAuth = values['ssl.clientAuth']
  if (clientAuth !== 'none' && values['ssl.trustStore.location'] === undefined) {
    const why = 'it needs ssl.trustStore.location, with the authorities of the clients; or set none'
    read.refuse('ssl.clientAuth', why)
  }
  return Object.assign(settingsOf(read, 'ssl', values['client.certReload']), {
    clientAuth,
    verifiesClientHost:
      values['ssl.hostnameVerification'] && values['ssl.clientHostnameVerification'],
    detectionMs: values['ssl.handshakeDetectionTimeoutMillis'],
  })
}

/** How servers speak to each other; undefined if all of it is plaintext. */
export interface QuorumTls {
  readonly settings: PortTlsSettings
  /** other servers are dialled by TLS */
  readonly dials: boolean
  readonly takesPlaintext: boolean
  /** a certificate has to name the host of its server.N line: of a dialled server, and of one that dials */
  readonly verifiesHost: boolean
  readonly verifiesDiallerHost: boolean
}

export function quorumTls(read: Read): QuorumTls | undefined {
  const { values } = read
  const { sslQuorum, portUnification } = values
  if (!sslQuorum && !portUnification) return undefined
  const asked = sslQuorum ? 'sslQuorum' : 'portUnification'
  for (const store of ['keyStore', 'trustStore'] as const) {
    const name = `ssl.quorum.${store}.location` as const
    if (values[name] === undefined) read.refuse(asked, `it needs ${name}`)
  }
  const verifiesHost = values['ssl.quorum.hostnameVerification']
  const settings = Object.assign(settingsOf(read, 'ssl.quorum', values.sslQuorumReloadCertFiles), {
    clientAuth: values['ssl.quorum.clientAuth'],
    // By the line of the server, once its hello has named it.
    verifiesClientHost: false,
    detectionMs: values['ssl.quorum.handshakeDetectionTimeoutMillis'],
  })
  return {
    settings,
    dials: sslQuorum,
    takesPlaintext: portUnification,
    verifiesHost,
    verifiesDiallerHost: values['ssl.quorum.clientHostnameVerification'] ?? verifiesHost,
  }
}

/** A warning only: ZooKeeper starts with such a file. */
export function passwordFileWarnings(read: Read): readonly string[] {
  return passwordPaths.flatMap((name) => {
    const path = read.values[name]
    if (path === undefined || !isOpenToOthers(resolve(path))) return []
    return [`${read.quote(name)} holds a password, and is open to other users`]
  })
}

const passwordPaths = [
  'ssl.keyStore.passwordPath',
  'ssl.trustStore.passwordPath',
  'ssl.quorum.keyStore.passwordPath',
  'ssl.quorum.trustStore.passwordPath',
] as const

/** Whether a server proves by its certificate who it is. */
export function provesServers({ settings, dials, takesPlaintext }: QuorumTls): boolean {
  return dials && !takesPlaintext && settings.clientAuth === 'need'
}

function settingsOf(read: Read, prefix: Prefix, isReloaded: boolean): TlsSettings {
  return Object.assign(protocols(read, prefix), {
    keyStore: store(read, `${prefix}.keyStore`),
    trustStore: store(read, `${prefix}.trustStore`),
    ciphers: ciphers(read, prefix),
    isReloaded,
  })
}

function store(
  read: Read,
  name: `${Prefix}.keyStore` | `${Prefix}.trustStore`,
): StoreSettings | undefined {
  const { values } = read
  const location = values[`${name}.location`]
  const passwordFile = values[`${name}.passwordPath`]
  if (location === undefined) return undefined
  return {
    files: [resolve(location)],
    type: values[`${name}.type`],
    password: values[`${name}.password`],
    passwordFile: passwordFile === undefined ? undefined : resolve(passwordFile),
    quoted: read.quote(`${name}.location`),
  }
}

function protocols(
  read: Read,
  prefix: Prefix,
): { readonly minProtocol: TlsProtocol; readonly maxProtocol: TlsProtocol } {
  const { values } = read
  const several = values[`${prefix}.enabledProtocols`]
  const name =
    several === undefined
      ? (`${prefix}.protocol` as const)
      : (`${prefix}.enabledProtocols` as const)
  const found = protocolVersions(several ?? values[`${prefix}.protocol`] ?? '')
  return found.type === 'known' ? found.versions : read.refuse(name, found.why)
}

function ciphers(read: Read, prefix: Prefix): string | undefined {
  const name = `${prefix}.ciphersuites` as const
  const list = read.values[name]
  if (list === undefined) return undefined
  const suites = cipherSuites(list)
  if (suites.type === 'known') return suites.ciphers
  return read.refuse(name, `${suites.suite} is no cipher suite of OpenSSL here`)
}
