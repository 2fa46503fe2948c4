// The cipher suites of a configuration, in OpenSSL's spelling. Configurations of ZooKeeper and Kafka
// name them as the standards do (TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256); OpenSSL's own names
// (ECDHE-RSA-AES128-GCM-SHA256) are accepted as well. Pure, apart from asking what OpenSSL has.

import { getCiphers } from 'node:tls'

export type CipherSuites =
  | { readonly type: 'known' /** as in the option `ciphers` of Node */; readonly ciphers: string }
  | { readonly type: 'unknown'; readonly suite: string }

/** @param list separated by commas or colons */
export function cipherSuites(list: string): CipherSuites {
  const available = new Set(getCiphers().map((name) => name.toUpperCase()))
  const suites = list.split(/[,:\s]+/).filter((suite) => suite !== '')
  const names = suites.map((suite) => openSslName(suite))
  const unknown = suites.find((_, i) => !available.has(names[i]?.toUpperCase() ?? ''))
  if (unknown !== undefined) return { type: 'unknown', suite: unknown }
  return { type: 'known', ciphers: names.join(':') }
}

/** TLS 1.3 has one name for each suite; before, OpenSSL leaves out what it takes for granted. */
function openSslName(suite: string): string {
  const [, exchange, cipher] = /^(?:TLS|SSL)_(\w+)_WITH_(\w+)$/.exec(suite) ?? []
  if (exchange === undefined || cipher === undefined) return suite
  const short = cipher
    .replace('3DES_EDE', 'DES')
    .replace(/^(AES|CAMELLIA|ARIA)_(\d+)/, '$1$2')
    .replace(/(AES\d+|CAMELLIA\d+)_CBC_/, '$1_')
    .replace('DES_CBC_', 'DES_CBC3_')
    .replace('CHACHA20_POLY1305_SHA256', 'CHACHA20_POLY1305')
  const name = exchange === 'RSA' ? short : `${exchange}_${short}`
  return name.replaceAll('_', '-')
}
