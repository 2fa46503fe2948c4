// A connection that did not become a TLS connection.

import { ProtocolError } from '../error-codes.ts'

export class TlsError extends ProtocolError {
  override readonly name = 'TlsError'
  /** the same for all of one kind, by which they are counted */
  readonly what: string

  /** the message, without what could not be done */
  readonly found: string

  constructor(what: string, [attempt, found]: readonly [string, string], options?: ErrorOptions) {
    super(`${attempt}: ${found}`, options)
    this.what = what
    this.found = found
  }
}
