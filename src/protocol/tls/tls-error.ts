// A connection that did not become a TLS connection.

import { ProtocolError } from '../error-codes.ts'

export class TlsError extends ProtocolError {
  override readonly name = 'TlsError'
  /** the same for all of one kind, by which they are counted */
  readonly what: string

  constructor(what: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.what = what
  }
}
