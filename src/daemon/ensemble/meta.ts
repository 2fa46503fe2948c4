// The file that decides, beside log and tree, what is in force: the identity of this server, the
// epochs that it promised, and its current tree and log directories. It is replaced atomically.
//
//   meta:   crc32c, 8 hex digits │ space │ one line of JSON, `formatVersion` first │ newline
//
// A crash leaves the old or the new file (durable-file.ts), so a damaged one was not damaged by a
// crash and is refused.

import { DurableFile } from '../../durable-file.ts'
import { invariant } from '../../invariant.ts'
import type { Done, LogDirectory } from '../../log/segment-file.ts'
import { crc32c } from '../../protocol/crc32c.ts'
import type { ServerId } from '../../protocol/records.ts'
import { isZxid, type Zxid } from '../../protocol/zxid.ts'
import type { Configuration } from '../zab/configuration.ts'
import type { Epochs } from '../zab/types.ts'

const metaFormatVersion = 1

export interface Meta {
  readonly serverId: ServerId
  /** Made with the first epoch of the ensemble; null before. */
  readonly ensembleId: string | null
  /** Whether this server counts in quorums, see zab/types.ts; once true, it stays true. */
  readonly initialised: boolean
  /** Newest epoch promised. */
  readonly acceptedEpoch: number
  /** Newest epoch whose initial history is on this disk; never above `acceptedEpoch`. */
  readonly currentEpoch: number
  /** Directories in force, relative to the data directory. */
  readonly treeDir: string
  readonly logDir: string
  /** Where an empty log ends: everything up to here lies in the tree. */
  readonly logBaseZxid: Zxid
  /** The ensemble's first configuration, once agreed, if it may change; otherwise the files' holds. */
  readonly config: Configuration | null
}

/** The part of it that Zab maintains. */
export function epochsOf(meta: Meta): Epochs {
  const { acceptedEpoch, currentEpoch, initialised, ensembleId, config } = meta
  return {
    acceptedEpoch,
    currentEpoch,
    initialised,
    ensembleId: ensembleId ?? undefined,
    agreed: config ?? undefined,
  }
}

/** The file exists, but cannot be trusted. */
export class MetaError extends Error {
  override readonly name = 'MetaError'
  readonly file: string

  constructor(file: string, found: string, options?: ErrorOptions) {
    super(`Cannot start from ${file}: ${found}`, options)
    this.file = file
  }
}

const fileName = 'meta'

/**
 * Loads the file; its contents survive a power cut.
 *
 * @returns null if there is none: the data directory is new
 * @throws MetaError if it is damaged or from a later version of this program
 */
export function loadMeta(dataDir: LogDirectory): Meta | null {
  const file = `${dataDir.path}/${fileName}`
  const text = read(new DurableFile(dataDir, fileName))
  if (text === undefined) return null
  const body = text.slice(9)
  if (text !== encode(body)) {
    throw new MetaError(
      file,
      "its checksum does not match. Do not edit or delete it: it holds this server's promises. " +
        'Restore it from a backup, or move the whole data directory away, so that this server ' +
        'joins as a new one and is synchronized by the others',
    )
  }
  const { formatVersion, ...meta } = JSON.parse(body) as Meta & { readonly formatVersion: unknown }
  if (formatVersion !== metaFormatVersion) {
    const known = `this program knows ${metaFormatVersion}`
    const advice = 'start the version that wrote it'
    throw new MetaError(file, `it has format version ${formatVersion}, ${known}: ${advice}`)
  }
  if (!isZxid(meta.logBaseZxid) || !(meta.currentEpoch <= meta.acceptedEpoch)) {
    throw new MetaError(file, `its epochs or zxid are impossible: ${body.trim()}`)
  }
  return meta
}

/** Keeps the file up to date. */
export class MetaFile {
  readonly #file: DurableFile

  constructor(dataDir: LogDirectory) {
    this.#file = new DurableFile(dataDir, fileName)
  }

  /** @param done called when `meta` survives a power cut; after an error the process must end */
  save(meta: Meta, done: Done): void {
    invariant(meta.currentEpoch <= meta.acceptedEpoch, 'an epoch is accepted before it is current')
    const body = `${JSON.stringify({ formatVersion: metaFormatVersion, ...meta })}\n`
    this.#file.replace(Buffer.from(encode(body)), done)
  }

  /** Resolves when no save is in progress: only then may the directory be closed. */
  settled(): Promise<void> {
    return this.#file.settled()
  }
}

function read(file: DurableFile): string | undefined {
  try {
    return file.read()?.toString('utf8')
  } catch (error) {
    const found = `it cannot be read: ${(error as Error).message}`
    throw new MetaError(file.path, found, { cause: error })
  }
}

function encode(body: string): string {
  const crc = crc32c(Buffer.from(body)).toString(16).padStart(8, '0')
  return `${crc} ${body}`
}
