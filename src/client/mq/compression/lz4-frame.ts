// An upper bound of the content of an lz4 frame, from the headers of its blocks, so that a frame
// with too much content is refused before it is decompressed:
//
//   magic 04 22 4d 18 | flags | block descriptor | [content size 8] | [dictionary id 4] | checksum
//   | per block: size u32 LE (bit 31: not compressed), data, [checksum 4] | size 0 | [checksum 4]
//
// Source: the LZ4 Frame Format, version 1.6. Pure.

const magic = 0x184d2204
const blockChecksumFlag = 0x10
const contentSizeFlag = 0x08
const dictionaryFlag = 0x01
const uncompressedBit = 0x80000000
/** A byte of a sequence's length stands for 255 bytes. */
const ratioMax = 255

/** @throws Error if it is not exactly one frame */
export function lz4BytesMax(frame: Buffer): number {
  if (frame.length < 7 || frame.readUInt32LE(0) !== magic) throw new Error('it is not an lz4 frame')
  const flags = frame.readUInt8(4)
  const sizeCode = (frame.readUInt8(5) >> 4) & 7
  if (sizeCode < 4) throw new Error('its block size is unknown')
  const blockBytesMax = 2 ** (8 + 2 * sizeCode)
  const blockEndBytes = (flags & blockChecksumFlag) === 0 ? 0 : 4
  let at = 7
  if ((flags & contentSizeFlag) !== 0) at += 8
  if ((flags & dictionaryFlag) !== 0) at += 4
  let bytes = 0
  while (at + 4 <= frame.length) {
    const size = frame.readUInt32LE(at)
    if (size === 0) return bytes
    const isCompressed = size < uncompressedBit
    const length = isCompressed ? size : size - uncompressedBit
    bytes += Math.min(blockBytesMax, isCompressed ? length * ratioMax : length)
    at += 4 + length + blockEndBytes
  }
  throw new Error('it is cut short')
}
