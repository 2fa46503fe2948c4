// The libraries that compress and decompress the records of a batch, each loaded on first use:
//
//   gzip    node:zlib
//   snappy  the package snappy; reads raw blocks and the framing of xerial's Java library
//   lz4     the package lz4-napi, in lz4's frame format
//   zstd    node:zlib if it has zstd (Node.js 22.15), else the package @bokuweb/zstd-wasm
//
// The packages are optional dependencies, which ship their programs in the package itself. A batch
// comes from any client: decompression stops at `limits.decompressedBatchBytesMax`, before memory
// is allocated.

import * as zlib from 'node:zlib'
import { asBuffer } from '../../../as-buffer.ts'
import { limits } from '../../../limits.ts'
import { ProtocolError } from '../../../protocol/error-codes.ts'
import {
  type Compression,
  type Compressor,
  codecName,
  type Decompress,
} from '../../../protocol/mq/compression.ts'
import { BrokerError } from '../../../protocol/mq/error-codes.ts'
import { batchCodecAt, forEachBatch } from '../../../protocol/mq/record-batch.ts'
import { lz4BytesMax } from './lz4-frame.ts'
import { snappyBlocks, snappyBytes } from './snappy-blocks.ts'
import { zstdBytesMax } from './zstd-frame.ts'

/** What a library offers for one codec. */
interface Codec extends Compressor {
  /** @throws Error if the block is damaged, or holds more than `bytesMax` */
  decompress(block: Buffer, bytesMax: number): Uint8Array
}

export class Codecs {
  readonly #bytesMax: number
  readonly #loaded = new Map<Compression, Codec>()
  readonly #loading = new Map<Compression, Promise<Codec>>()

  /** @param bytesMax limit of the decompressed records of one batch */
  constructor(bytesMax: number = limits.decompressedBatchBytesMax) {
    this.#bytesMax = bytesMax
  }

  /**
   * Loads a codec for later calls of `decompress`.
   *
   * @throws BrokerError UNSUPPORTED_COMPRESSION_TYPE with the missing package
   */
  load(name: Compression): Promise<Compressor> {
    const known = this.#loading.get(name)
    if (known !== undefined) return known
    const loading = loaders[name]().then((codec) => {
      this.#loaded.set(name, codec)
      return codec
    })
    this.#loading.set(name, loading)
    loading.catch(() => this.#loading.delete(name))
    return loading
  }

  /** The codecs of these batches that have to be loaded before they are decompressed. */
  missing(batches: Buffer): ReadonlySet<Compression> {
    const missing = new Set<Compression>()
    forEachBatch(batches, (at) => {
      const name = codecName(batchCodecAt(batches, at))
      if (name !== undefined && name !== 'none' && !this.#loaded.has(name)) missing.add(name)
    })
    return missing
  }

  /** Requires that the codec has been loaded. @throws ProtocolError */
  readonly decompress: Decompress = (number, block) => {
    const name = codecName(number)
    const codec = name === undefined || name === 'none' ? undefined : this.#loaded.get(name)
    if (codec === undefined) {
      throw new ProtocolError(`Cannot read a record batch: compression codec ${name ?? number}`)
    }
    try {
      return asBuffer(codec.decompress(block, this.#bytesMax))
    } catch (error) {
      const found = error instanceof Error ? error.message : String(error)
      const message = `Cannot read a record batch: its ${name} block: ${found}`
      throw isTooLarge(error) ? new BlockTooLargeError(message) : new ProtocolError(message)
    }
  }
}

/** A block holds more than the limit, or may hold more. */
export class BlockTooLargeError extends ProtocolError {}

function isTooLarge(error: unknown): boolean {
  if (error instanceof RangeError) return true
  return error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
}

// --- the libraries -------------------------------------------------------------------------------

const loaders: Readonly<Record<Compression, () => Promise<Codec>>> = {
  gzip: async () => gzip,
  snappy: () => fromPackage('snappy', 'snappy', snappyOf),
  lz4: () => fromPackage('lz4', 'lz4-napi', lz4Of),
  zstd: async () => nativeZstd() ?? fromPackage('zstd', '@bokuweb/zstd-wasm', zstdOf),
}

/** @throws BrokerError UNSUPPORTED_COMPRESSION_TYPE */
async function fromPackage(
  name: Compression,
  wanted: string,
  codecOf: (library: Library) => Codec | Promise<Codec>,
): Promise<Codec> {
  try {
    const library = (await import(wanted)) as { readonly default?: Library } & Library
    return await codecOf(library.default ?? library)
  } catch (cause) {
    const found = `the package '${wanted}' cannot be loaded; npm install ${wanted}`
    const message = `Cannot use compression ${name}: ${found}`
    throw new BrokerError('UNSUPPORTED_COMPRESSION_TYPE', message, { cause })
  }
}

/** The exports of an optional package, which may be missing or another release. */
type Library = Readonly<Record<string, unknown>>
type BytesCall = (bytes: Uint8Array, ...more: readonly unknown[]) => Uint8Array

/** @throws TypeError if the library does not have it */
function callOf(library: object, name: string): BytesCall {
  const found: unknown = Reflect.get(library, name)
  if (typeof found !== 'function') throw new TypeError(`It has no function ${name}`)
  return (bytes, ...more) => found.call(library, bytes, ...more)
}

const gzip: Codec = {
  name: 'gzip',
  compress: (records) => zlib.gzipSync(records),
  decompress: (block, maxOutputLength) => zlib.gunzipSync(block, { maxOutputLength }),
}

function snappyOf(library: Library): Codec {
  const open = callOf(library, 'uncompressSync')
  return {
    name: 'snappy',
    // One raw block, like librdkafka: every client reads it.
    compress: callOf(library, 'compressSync'),
    decompress(framed, bytesMax) {
      const blocks = snappyBlocks(framed)
      const bytes = blocks.reduce((sum, block) => sum + snappyBytes(block), 0)
      checkSize(bytes, bytesMax)
      const opened = blocks.map((block) => open(block))
      const [only] = opened
      return opened.length === 1 && only !== undefined ? only : Buffer.concat(opened, bytes)
    },
  }
}

function lz4Of(library: Library): Codec {
  const open = callOf(library, 'decompressFrameSync')
  return {
    name: 'lz4',
    compress: callOf(library, 'compressFrameSync'),
    decompress(frame, bytesMax) {
      checkSize(lz4BytesMax(frame), bytesMax)
      return open(frame)
    },
  }
}

/** The library keeps one instance; a second `init` would replace it while it is in use. */
const startedLibraries = new WeakMap<Library, Promise<void>>()

async function zstdOf(library: Library): Promise<Codec> {
  const { init } = library
  if (typeof init !== 'function') throw new TypeError('It has no function init')
  const started: Promise<void> = startedLibraries.get(library) ?? init()
  startedLibraries.set(library, started)
  await started
  const open = callOf(library, 'decompress')
  return {
    name: 'zstd',
    compress: callOf(library, 'compress'),
    decompress(frame, bytesMax) {
      const bytes = zstdBytesMax(frame)
      checkSize(bytes, bytesMax)
      // The library allocates the content size of the frame, or this size if the frame has none.
      return open(frame, { defaultHeapSize: Math.max(1, bytes) })
    },
  }
}

/** Of Node.js 22.15 or newer. */
function nativeZstd(): Codec | undefined {
  if (Reflect.get(zlib, 'zstdCompressSync') === undefined) return undefined
  const open = callOf(zlib, 'zstdDecompressSync')
  return {
    name: 'zstd',
    compress: callOf(zlib, 'zstdCompressSync'),
    decompress: (frame, maxOutputLength) => open(frame, { maxOutputLength }),
  }
}

function checkSize(bytes: number, bytesMax: number): void {
  if (bytes > bytesMax)
    throw new RangeError(`it holds ${bytes} bytes, at most ${bytesMax} are allowed`)
}
