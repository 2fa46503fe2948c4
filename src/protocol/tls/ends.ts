// The two ends of TLS, as the transport takes them.

import type { Credentials } from './credentials.ts'
import type { ClientAuth } from './settings.ts'

/** A port that speaks TLS. */
export interface TlsPort {
  readonly credentials: Credentials
  readonly clientAuth: ClientAuth
  /** a client's certificate has to name the address that it connects from */
  readonly verifiesClientHost: boolean
  readonly takesPlaintext: boolean
  /** time for the first byte */
  readonly detectionMs: number
  /** Called when a client begins a handshake, and once when that has ended. */
  readonly onHandshake?: (state: 'begun' | 'done' | 'failed') => void
}

/** A connection that is made in TLS. */
export interface TlsDial {
  readonly credentials: Credentials
  /** the certificate has to name the host that is dialled */
  readonly verifiesHost: boolean
}
