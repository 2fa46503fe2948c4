// Who asks, in every request that one server sends another: a list that hardly ever changes on a
// connection, and so is encoded once, and decoded again only when it is another one than before.
//
//   identities = bytes of [[scheme, id], …]

import { MsgpackReader, MsgpackWriter } from '../msgpack.ts'
import type { Id } from '../records.ts'
import { decodeIds, encodeIds } from '../zk/native-records.ts'

/** One per user: it remembers what it saw. */
export class IdentitiesCodec {
  readonly #encoded = new WeakMap<readonly Id[], Uint8Array>()
  #lastBytes: Uint8Array = new Uint8Array(0)
  #lastIds: readonly Id[] = []

  encode(out: MsgpackWriter, identities: readonly Id[]): void {
    let bytes = this.#encoded.get(identities)
    if (bytes === undefined) {
      const encoded = new MsgpackWriter()
      encodeIds(encoded, identities)
      bytes = Uint8Array.from(encoded.view())
      this.#encoded.set(identities, bytes)
    }
    out.bytes(bytes)
  }

  /** @throws ProtocolError for bytes that are no list of identities */
  decode(reader: MsgpackReader): readonly Id[] {
    const bytes = reader.bytes()
    if (bytes === null) return []
    if (!sameBytes(bytes, this.#lastBytes)) {
      const list = new MsgpackReader().reset(bytes, 0, bytes.length)
      const ids = decodeIds(list)
      list.expectEnd()
      // Both or none: one that broke off must not be taken for the one before.
      this.#lastIds = ids
      this.#lastBytes = Uint8Array.from(bytes)
    }
    return this.#lastIds
  }
}

/** Byte by byte: they are few, and a call into native code costs more. */
function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
