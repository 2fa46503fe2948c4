// Keeps the mark of a broker's data directory in ZooWeeper, for one session: checks it before the
// broker registers, and raises it at each start and each checkpoint, in the directory first. See
// cluster/identity.ts.

import type { Logger } from '../../logger.ts'
import { ZkError } from '../../protocol/error-codes.ts'
import type { DirectoryId } from '../../protocol/mq/messages.ts'
import { decodeMark, encodeMark, isBelow, type Mark, nextMark } from '../cluster/identity.ts'
import type { ZkAccess } from '../cluster/zk-access.ts'
import { zkPaths } from '../cluster/zk-paths.ts'

/** The part of a data directory that marks use: data-dir.ts. */
export interface MarkedDirectory {
  readonly path: string
  readonly directoryId: DirectoryId | undefined
  readonly mark: Mark
  takeNewIdentity(): Promise<void>
  raise(mark: Mark): Promise<void>
}

/** The directory has become an old copy: another one with its identity was used meanwhile. */
export class OldCopyError extends Error {
  override readonly name = 'OldCopyError'
}

interface MarksOptions {
  readonly zk: ZkAccess
  readonly directory: MarkedDirectory
  readonly log: Logger
}

interface Known {
  readonly mark: Mark | undefined
  /** the znode's version; undefined: it does not exist */
  readonly version: number | undefined
}

export class Marks {
  readonly #options: MarksOptions

  constructor(options: MarksOptions) {
    this.#options = options
  }

  /** Gives an old copy a new identity. @throws ZkError, or what the file system throws */
  async check(): Promise<void> {
    const { zk, directory, log } = this.#options
    const { directoryId, mark, path } = directory
    if (directoryId === undefined) return
    await zk.sync(zkPaths.marks)
    const known = await this.#read(directoryId)
    if (known.mark === undefined || !isBelow(mark, known.mark)) return
    await directory.takeNewIdentity()
    const facts = { path, mark, known: known.mark, directoryId, now: directory.directoryId }
    log.error(
      facts,
      'This data directory is an old copy: it takes a new identity, and its logs are not in sync until they have caught up',
    )
  }

  /** @throws OldCopyError, ZkError, or what the file system throws */
  async raise(life: number): Promise<void> {
    const { directory } = this.#options
    const { directoryId } = directory
    if (directoryId === undefined) return
    const mark = nextMark(directory.mark, life)
    await directory.raise(mark)
    for (;;) {
      const known = await this.#read(directoryId)
      if (known.mark !== undefined && !isBelow(known.mark, mark)) {
        // An earlier attempt may have succeeded although its answer was lost.
        if (!isBelow(mark, known.mark)) return
        const found = `its mark is ${describe(mark)}, but ZooWeeper has ${describe(known.mark)}`
        throw new OldCopyError(`Cannot continue with data directory ${directory.path}: ${found}`)
      }
      if (await this.#write(directoryId, mark, known)) return
    }
  }

  /** @returns whether the mark was written; if not, the znode changed or the outcome is unknown */
  async #write(directoryId: DirectoryId, mark: Mark, { version }: Known): Promise<boolean> {
    const { zk } = this.#options
    const path = zkPaths.mark(directoryId)
    const text = encodeMark(mark)
    try {
      if (version === undefined) await zk.create(path, text)
      else await zk.setData(path, text, version)
      return true
    } catch (error) {
      if (!(error instanceof ZkError) || !retriedCodes.has(error.code)) throw error
      return false
    }
  }

  async #read(directoryId: DirectoryId): Promise<Known> {
    try {
      const { data, stat } = await this.#options.zk.getData(zkPaths.mark(directoryId))
      return { mark: decodeMark(data), version: stat.version }
    } catch (error) {
      if (!(error instanceof ZkError) || error.code !== 'NONODE') throw error
      return { mark: undefined, version: undefined }
    }
  }
}

const retriedCodes: ReadonlySet<string> = new Set([
  'NODEEXISTS',
  'NONODE',
  'BADVERSION',
  'CONNECTIONLOSS',
])

function describe({ life, counter }: Mark): string {
  return `${counter} of life ${life}`
}
