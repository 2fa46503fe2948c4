// The two shapes of snappy in Kafka's batches: one raw block (librdkafka), or the stream format of
// xerial's snappy-java (Java clients, kafkajs):
//
//   82 'SNAPPY' 00 | version i32 | compatible version i32 | per block: length i32, raw block
//
// A raw block begins with the size of its content as a varint. Pure.

const magic = Buffer.from('\x82SNAPPY\0', 'latin1')
const headerBytes = magic.length + 8

/** The raw blocks, as views. @throws Error if the framing is damaged */
export function snappyBlocks(bytes: Buffer): Buffer[] {
  const isFramed = bytes.length >= headerBytes && bytes.subarray(0, magic.length).equals(magic)
  if (!isFramed) return [bytes]
  const blocks: Buffer[] = []
  let at = headerBytes
  while (at < bytes.length) {
    const start = at + 4
    const end = start > bytes.length ? start : start + bytes.readInt32BE(at)
    if (end <= start || end > bytes.length) throw new Error('its framing is damaged')
    blocks.push(bytes.subarray(start, end))
    at = end
  }
  return blocks
}

/** An element of three bytes copies at most 64. */
const ratioMax = 64

/** The size of a raw block's content. @throws Error if it cannot be true */
export function snappyBytes(block: Buffer): number {
  let bytes = 0
  for (let i = 0; i < 5; i++) {
    const byte = block[i]
    if (byte === undefined) break
    bytes += (byte & 0x7f) * 2 ** (7 * i)
    if (byte >= 0x80) continue
    if (bytes > ratioMax * block.length) break
    return bytes
  }
  throw new Error('its size is damaged')
}
