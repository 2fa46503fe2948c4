// The partition of a record without an explicit one: by the key's murmur2, like the Java client and
// kafkajs, so that the same key goes to the same partition from every client.
// Source: Kafka's Utils.murmur2 and BuiltInPartitioner.partitionForKey.

const seed = 0x9747b28c
const multiplier = 0x5bd1e995
const shift = 24

export function partitionFor(key: Uint8Array, partitionCount: number): number {
  return (murmur2(key) & 0x7fffffff) % partitionCount
}

/** Returns a signed 32-bit number. */
export function murmur2(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const wholeBytes = bytes.length & ~3
  let hash = seed ^ bytes.length
  for (let at = 0; at < wholeBytes; at += 4) {
    let word = Math.imul(view.getInt32(at, true), multiplier)
    word = Math.imul(word ^ (word >>> shift), multiplier)
    hash = Math.imul(hash, multiplier) ^ word
  }
  const restBytes = bytes.length - wholeBytes
  if (restBytes > 0) {
    for (let i = restBytes - 1; i >= 0; i--) hash ^= view.getUint8(wholeBytes + i) << (8 * i)
    hash = Math.imul(hash, multiplier)
  }
  hash = Math.imul(hash ^ (hash >>> 13), multiplier)
  return hash ^ (hash >>> 15)
}
