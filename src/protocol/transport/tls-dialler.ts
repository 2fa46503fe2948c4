// The beginning of a dialled TLS connection: Node checks the certificate of the other side, and that
// it names the host; the link sends nothing before.

import net from 'node:net'
import tls from 'node:tls'
import { type Address, formatAddress } from '../../address.ts'
import type { TlsDial } from '../tls/ends.ts'
import { TlsError } from '../tls/tls-error.ts'

/** @returns a socket that says 'secureConnect' once the other side is known */
export function dialTls(
  to: net.TcpNetConnectOpts,
  { credentials, verifiesHost }: TlsDial,
): tls.TLSSocket {
  const { host = 'localhost' } = to
  const options: tls.ConnectionOptions = { secureContext: credentials.context }
  // Addresses are no server names: RFC 6066, section 3.
  if (net.isIP(host) === 0) options.servername = host
  if (!verifiesHost) options.checkServerIdentity = () => undefined
  return tls.connect(Object.assign(options, to))
}

/** What failed, for errors that are about TLS; those of the network are returned unchanged. */
export function dialError(error: Error, address: Address): Error {
  const { code = '', syscall } = error as NodeJS.ErrnoException
  if (syscall !== undefined) return error
  const where = formatAddress(address)
  const fail = (what: string, found: string): TlsError =>
    new TlsError(`TLS: ${what}`, [`Cannot speak TLS with ${where}`, found], { cause: error })
  switch (code) {
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return fail(code, `its certificate is of another host: ${error.message}`)
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return fail(code, 'it answers in plaintext')
    case 'ECONNRESET':
      return fail(code, 'it hung up in the handshake: does that port speak TLS?')
    case 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED':
      return fail(code, 'it wants a certificate of this client')
  }
  if (isTrustCode(code)) return fail(code, `its certificate is not trusted: ${error.message}`)
  return fail(code, error.message)
}

/** OpenSSL's verification results, X509_V_ERR_… */
function isTrustCode(code: string): boolean {
  return /^(UNABLE_TO_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|PATH_LENGTH_|HOSTNAME_)/.test(code)
}
