// A transport all of whose links are TLS, for parts that need not know: they dial and listen as ever.

import type { TlsDial, TlsPort } from '../tls/ends.ts'
import type { DialOptions, ListenOptions, Transport } from './transport.ts'

export interface TlsEnds {
  /** undefined: links are dialled in plaintext */
  readonly dial?: TlsDial | undefined
  /** undefined: ports take plaintext only */
  readonly listen?: TlsPort | undefined
}

export function withTls(transport: Transport, { dial, listen }: TlsEnds): Transport {
  return {
    dial(address, options, listener) {
      const secured: DialOptions = Object.assign({}, options, { tls: dial })
      return transport.dial(address, secured, listener)
    },
    listen(address, options, accept) {
      const secured: ListenOptions = Object.assign({}, options, { tls: listen })
      return transport.listen(address, secured, accept)
    },
  }
}
