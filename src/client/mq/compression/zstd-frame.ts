// An upper bound of the content of a zstd frame, from the headers of its blocks, so that a frame
// with too much content, real or announced, is refused before memory is allocated for it:
//
//   magic 28 b5 2f fd | descriptor | [window] | [dictionary id] | [content size]
//   | per block: header u24 LE (bit 0 last, bits 1-2 type, then size), data | [checksum 4]
//
// Java's clients do not write the content size. Source: RFC 8878, sections 3.1.1 and 3.1.1.2. Pure.

const magic = 0xfd2fb528
const blockBytesMax = 128 * 1024
const types = { raw: 0, runLength: 1, compressed: 2 } as const

/**
 * @throws Error if it is not exactly one frame, or cannot hold the content size that it announces
 */
export function zstdBytesMax(frame: Buffer): number {
  if (frame.length < 5 || frame.readUInt32LE(0) !== magic) throw new Error('it is not a zstd frame')
  const descriptor = frame.readUInt8(4)
  const isSingleSegment = (descriptor & 0x20) !== 0
  const sizeFlag = descriptor >> 6
  const sizeBytes = sizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 2 ** sizeFlag
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0
  const sizeAt = 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes
  if (sizeAt + sizeBytes > frame.length) throw new Error('it is cut short')
  let at = sizeAt + sizeBytes
  let bytes = 0
  for (;;) {
    if (at + 3 > frame.length) throw new Error('it is cut short')
    const header = frame.readUIntLE(at, 3)
    const size = header >> 3
    const type = (header >> 1) & 3
    if (type > types.compressed) throw new Error('its blocks are damaged')
    bytes += type === types.compressed ? blockBytesMax : size
    at += 3 + (type === types.runLength ? 1 : size)
    if ((header & 1) === 1) break
  }
  const end = at + ((descriptor & 4) === 0 ? 0 : 4)
  if (end !== frame.length) throw new Error('it is not exactly one frame')
  const said = contentBytes(frame, sizeAt, sizeBytes)
  if (said !== undefined && said > bytes) throw new Error('its size is damaged')
  return said ?? bytes
}

/** The content size that the frame announces; undefined if it has none. */
function contentBytes(frame: Buffer, at: number, length: number): number | undefined {
  switch (length) {
    case 0:
      return undefined
    case 1:
      return frame.readUInt8(at)
    case 2:
      return frame.readUInt16LE(at) + 256
    case 4:
      return frame.readUInt32LE(at)
  }
  return frame.readUInt32LE(at) + frame.readUInt32LE(at + 4) * 2 ** 32
}
