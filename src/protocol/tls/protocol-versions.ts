// The TLS versions of a configuration. Versions before 1.2 are refused: RFC 8996. Pure.

import { type TlsProtocol, tlsProtocols } from './settings.ts'

export interface VersionRange {
  readonly minProtocol: TlsProtocol
  readonly maxProtocol: TlsProtocol
}

export type ProtocolVersions =
  | { readonly type: 'known'; readonly versions: VersionRange }
  | { readonly type: 'unknown'; readonly why: string }

/** @param list separated by commas; empty: all; `TLS`, as Java has it, is all too */
export function protocolVersions(list: string): ProtocolVersions {
  const wanted = list
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '' && word !== 'TLS')
  for (const word of wanted) {
    if (tlsProtocols.some((known) => known === word)) continue
    const advice = /^(TLSv1(\.1)?|SSL.*)$/.test(word) ? ' (RFC 8996 forbids older ones)' : ''
    return { type: 'unknown', why: `${word} is not one of ${tlsProtocols.join(', ')}${advice}` }
  }
  const enabled = tlsProtocols.filter((known) => wanted.length === 0 || wanted.includes(known))
  const [minProtocol = 'TLSv1.2'] = enabled
  const maxProtocol = enabled.at(-1) ?? 'TLSv1.3'
  return { type: 'known', versions: { minProtocol, maxProtocol } }
}
