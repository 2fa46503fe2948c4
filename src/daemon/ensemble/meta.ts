// The one switch point beside log and tree: who this server is, which epochs it promised, and which
// tree and log directories are in force. It is replaced whole or not at all.
//
//   meta:   crc32c, 8 hex digits │ space │ one line of JSON, `formatVersion` first │ newline
//
// A new one is written aside, fsynced, renamed over the old one, and the directory fsynced: a crash
// leaves the old or the new one. So a damaged file is never a crash's doing and is refused.

import { invariant } from '../../invariant.ts'
import type { Done, LogDirectory } from '../../log/segment-file.ts'
import { crc32c } from '../../protocol/crc32c.ts'
import type { ServerId } from '../../protocol/records.ts'
import { isZxid, type Zxid } from '../../protocol/zxid.ts'

export const metaFormatVersion = 1

export interface Meta {
  readonly serverId: ServerId
  /** Made with the first epoch of the ensemble; null before. */
  readonly ensembleId: string | null
  /** Whether this server may be counted, see zab/types.ts; never false again. */
  readonly initialised: boolean
  /** Newest epoch promised. */
  readonly acceptedEpoch: number
  /** Newest epoch whose initial history is on this disk; never above `acceptedEpoch`. */
  readonly currentEpoch: number
  /** Directories in force, relative to the data directory. */
  readonly treeDir: string
  readonly logDir: string
  /** Where an empty log ends: what is up to it lies in the tree. */
  readonly logBaseZxid: Zxid
  /** Membership as last agreed, for whoever manages it; null while the config file alone says. */
  readonly config: unknown
}

/** The file is there, but not to be believed. */
export class MetaError extends Error {
  override readonly name = 'MetaError'
  readonly file: string

  constructor(file: string, found: string, options?: ErrorOptions) {
    super(`Cannot start from ${file}: ${found}`, options)
    this.file = file
  }
}

const fileName = 'meta'
const asideName = 'meta.new'

/**
 * What is returned survives a power cut.
 *
 * @returns null if there is none: the data directory is new
 * @throws MetaError if it is damaged or from a later version of this program
 */
export function loadMeta(dataDir: LogDirectory): Meta | null {
  if (!dataDir.list().includes(fileName)) return null
  const file = `${dataDir.path}/${fileName}`
  let text: string
  try {
    text = read(dataDir)
  } catch (error) {
    throw new MetaError(file, `it cannot be read: ${(error as Error).message}`, { cause: error })
  }
  const body = text.slice(9)
  if (text !== encode(body)) {
    throw new MetaError(
      file,
      'its checksum does not hold. Do not edit or delete it: what this server promised is in it. ' +
        'Restore it from a backup, or move the whole data directory away, so that this server ' +
        'joins as a new one and is brought up to date by the others',
    )
  }
  const { formatVersion, ...meta } = JSON.parse(body) as Meta & { readonly formatVersion: unknown }
  if (formatVersion !== metaFormatVersion) {
    const known = `this program knows ${metaFormatVersion}`
    const advice = 'start the version that wrote it'
    throw new MetaError(file, `it has format version ${formatVersion}, ${known}: ${advice}`)
  }
  if (!isZxid(meta.logBaseZxid) || !(meta.currentEpoch <= meta.acceptedEpoch)) {
    throw new MetaError(file, `its epochs or zxid cannot be: ${body.trim()}`)
  }
  // A process that was killed may have renamed it and no more: what is acted on from now on must not
  // be the old one again after a power cut.
  dataDir.syncNow()
  return meta
}

/** Keeps the file up to date: one save under way at a time, the others wait in order. */
export class MetaFile {
  readonly #dataDir: LogDirectory
  readonly #waiting: { readonly meta: Meta; readonly done: Done }[] = []
  #isSaving = false
  #settled: (() => void)[] = []

  constructor(dataDir: LogDirectory) {
    this.#dataDir = dataDir
  }

  /** @param done called when `meta` survives a power cut; after an error the process must end */
  save(meta: Meta, done: Done): void {
    invariant(meta.currentEpoch <= meta.acceptedEpoch, 'an epoch is accepted before it is current')
    this.#waiting.push({ meta, done })
    this.#next()
  }

  /** Until nothing is being saved: only then may the directory be closed. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#settled.push(resolve)
      this.#next()
    })
  }

  #next(): void {
    if (this.#isSaving) return
    const next = this.#waiting.shift()
    if (next === undefined) {
      for (const resolve of this.#settled.splice(0)) resolve()
      return
    }
    this.#isSaving = true
    replace(this.#dataDir, next.meta, (error) => {
      this.#isSaving = false
      next.done(error)
      this.#next()
    })
  }
}

function read(dataDir: LogDirectory): string {
  const file = dataDir.open(fileName)
  try {
    const bytes = Buffer.alloc(file.sizeBytes())
    return bytes.toString('utf8', 0, file.read(bytes, 0))
  } finally {
    file.close()
  }
}

function replace(dataDir: LogDirectory, meta: Meta, done: Done): void {
  const body = `${JSON.stringify({ formatVersion: metaFormatVersion, ...meta })}\n`
  try {
    const file = dataDir.create(asideName)
    file.write(Buffer.from(encode(body)), 0)
    file.sync((error) => {
      file.close()
      if (error === null) rename(dataDir, done)
      else done(error)
    })
  } catch (error) {
    done(error as Error)
  }
}

function rename(dataDir: LogDirectory, done: Done): void {
  try {
    dataDir.rename(asideName, fileName)
    dataDir.sync(done)
  } catch (error) {
    done(error as Error)
  }
}

function encode(body: string): string {
  const crc = crc32c(Buffer.from(body)).toString(16).padStart(8, '0')
  return `${crc} ${body}`
}
