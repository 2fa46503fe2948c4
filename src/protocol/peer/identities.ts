// The client's identities in every request that one server forwards to another. The list rarely
// changes on a connection, so it is packed once, and unpacked again only when its bytes change.

import { ProtocolError } from '../error-codes.ts'
import { packed } from '../fields.ts'
import type { MsgpackReader, MsgpackWriter } from '../msgpack.ts'
import { type Id, idsField } from '../records.ts'

export const identitiesField = packed(idsField)

/** Caches the last list in each direction; one codec per user. */
export class IdentitiesCodec {
  readonly #packed = new WeakMap<readonly Id[], Uint8Array>()
  #lastBytes: Uint8Array | undefined
  #lastIds: readonly Id[] = []

  encode(out: MsgpackWriter, identities: readonly Id[]): void {
    let bytes = this.#packed.get(identities)
    if (bytes === undefined) {
      bytes = identitiesField.pack(identities)
      this.#packed.set(identities, bytes)
    }
    out.bytes(bytes)
  }

  /** @throws ProtocolError for bytes that are no list of identities */
  decode(reader: MsgpackReader): readonly Id[] {
    const bytes = reader.bytes()
    if (bytes === null) throw new ProtocolError('Cannot decode a request: it names no identities')
    if (!sameBytes(bytes, this.#lastBytes)) {
      // Both are set or neither: after a failed unpack, the bytes must not match the previous list.
      this.#lastIds = identitiesField.unpack(bytes, 'identities')
      this.#lastBytes = Uint8Array.from(bytes)
    }
    return this.#lastIds
  }
}

/** Compares byte by byte: there are few, and a call into native code costs more. */
function sameBytes(a: Uint8Array, b: Uint8Array | undefined): boolean {
  if (b === undefined || a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
