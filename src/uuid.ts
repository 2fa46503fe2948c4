// Random UUIDs, version 4. Source: RFC 9562, section 5.4.

/** @param random 16 random bytes, 122 bits of which are kept */
export function uuidOf(random: Uint8Array): Buffer {
  const uuid = Buffer.from(random.subarray(0, 16))
  uuid[6] = ((uuid[6] ?? 0) & 0x0f) | 0x40
  uuid[8] = ((uuid[8] ?? 0) & 0x3f) | 0x80
  return uuid
}

/** `f81d4fae-7dec-41d0-a765-00a0c91e6bf6` */
export function formatUuid(uuid: Buffer): string {
  const hex = uuid.toString('hex')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
