// Who asks, in every request that one server sends another: a list that hardly ever changes on a
// connection, and so is packed once, and unpacked again only when it is another one than before.

import { ProtocolError } from '../error-codes.ts'
import { packed } from '../fields.ts'
import type { MsgpackReader, MsgpackWriter } from '../msgpack.ts'
import { type Id, idsField } from '../records.ts'

export const identitiesField = packed(idsField)

/** One per user: it remembers what it saw. */
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
      // Both or none: one that broke off must not be taken for the one before.
      this.#lastIds = identitiesField.unpack(bytes, 'identities')
      this.#lastBytes = Uint8Array.from(bytes)
    }
    return this.#lastIds
  }
}

/** Byte by byte: they are few, and a call into native code costs more. */
function sameBytes(a: Uint8Array, b: Uint8Array | undefined): boolean {
  if (b === undefined || a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
