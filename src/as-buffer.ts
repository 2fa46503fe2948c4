// A caller's or library's bytes as a Node.js Buffer, which can be decoded and compared.

/** Shares memory: nothing is copied. */
export function asBuffer(bytes: Uint8Array): Buffer {
  if (Buffer.isBuffer(bytes)) return bytes
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
