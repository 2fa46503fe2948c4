// The compression of the records in a RecordBatch v2: the codec is in bits 0-2 of the batch's
// attributes, and only the part after the header is compressed, as one block. Brokers store a batch
// unchanged; producers compress and consumers decompress it, with the libraries of
// client/mq/compression/codecs.ts.

import { inverse } from '../fields.ts'

/** With the numbers of Kafka. */
export const codecs = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const
export type CodecName = keyof typeof codecs
/** A codec that needs a library. */
export type Compression = Exclude<CodecName, 'none'>

export const codecNames = Object.keys(codecs) as readonly CodecName[]

const byNumber = inverse(codecs)

/** @returns undefined for an unassigned number */
export function codecName(number: number): CodecName | undefined {
  return byNumber.get(number)
}

/** Compresses the records of a batch. */
export interface Compressor {
  readonly name: Compression
  compress(records: Buffer): Uint8Array
}

/**
 * The same for a broker, which may lack the library of a codec: then it returns undefined.
 *
 * @throws ProtocolError if the block is damaged, or holds too much
 */
export type OpenBlock = (codec: number, block: Buffer) => Buffer | undefined

/**
 * Returns the records of a batch.
 *
 * @throws ProtocolError if the block is damaged, holds too much, or has an unknown codec
 */
export type Decompress = (codec: number, block: Buffer) => Buffer
