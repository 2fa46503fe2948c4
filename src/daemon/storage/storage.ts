// A server's data beside `meta`: the tree and the log in force, and their replacement by another
// tree. All parts hold `tree`, one object for the life of the process; its contents are exchanged.
//   DIR/tree     DIR/log        as a new server begins
//   DIR/tree-7   DIR/log-7      after a SNAP; `meta` names those in force, the others are left over
//
// A directory that `meta` does not name is removed at startup.

import { join } from 'node:path'
import type { LogFailedError } from '../../log/log-errors.ts'
import type { TornTail } from '../../log/recovery.ts'
import { epochOf, formatZxid, type Zxid } from '../../protocol/zxid.ts'
import type { EpochRange } from '../zab/history.ts'
import type { ZTree } from '../ztree/ztree.ts'
import type { StorageDisk, TreeDatabase } from './disk.ts'
import {
  SnapshotError,
  type SnapshotPlace,
  type SnapshotReader,
  type SnapshotReceiver,
  type Snapshots,
} from './snapshots.ts'
import { EntryReader } from './tree-entries.ts'
import {
  DamagedTreeError,
  type TreeSnapshot,
  TreeStore,
  type TreeStoreOptions,
} from './tree-store.ts'
import { openTxnLog, type TxnLog, type TxnLogOptions } from './txn-log.ts'

export interface StorageOptions {
  readonly disk: StorageDisk
  readonly store: TreeStoreOptions
  readonly log: Pick<
    TxnLogOptions,
    'segmentBytes' | 'nowMs' | 'onDurable' | 'onShortage' | 'onSync'
  > & {
    readonly onFailure: (error: LogFailedError) => void
  }
}

/**
 * The contents of the data directory are inconsistent: continuing would lose or forget something.
 */
export class RecoveryError extends Error {
  override readonly name = 'RecoveryError'
  readonly file: string

  constructor(file: string, found: string) {
    super(`Cannot start from ${file}: ${found}`)
    this.file = file
  }
}

/** The fields of `meta` about tree and log. */
export interface Expected extends SnapshotPlace {
  readonly logBaseZxid: Zxid
  readonly acceptedEpoch: number
  readonly currentEpoch: number
}

interface InForce extends SnapshotPlace {
  readonly store: TreeStore
  readonly log: TxnLog
}

export class Storage implements Snapshots {
  readonly #options: StorageOptions
  #inForce: InForce
  readonly tree: ZTree
  /** For the log as opened at startup. */
  readonly torn: TornTail | null
  readonly epochs: readonly EpochRange[]

  private constructor(
    options: StorageOptions,
    inForce: InForce,
    opened: { readonly torn: TornTail | null; readonly epochs: readonly EpochRange[] },
  ) {
    this.#options = options
    this.#inForce = inForce
    this.tree = inForce.store.tree
    this.torn = opened.torn
    this.epochs = opened.epochs
  }

  /**
   * @throws DamagedTreeError, LogDamagedError, LogVersionError, RecoveryError: nothing was removed
   */
  static async open(options: StorageOptions, expected: Expected): Promise<Storage> {
    const { disk } = options
    const { treeDir, logDir, logBaseZxid: baseZxid } = expected
    const found = disk.list()
    for (const name of expected.currentEpoch > 0 ? [treeDir, logDir] : []) {
      if (found.includes(name)) continue
      // An empty one in its place would be taken for this server's complete data.
      throw new RecoveryError(join(disk.path, name), `it is missing, but this server had data`)
    }
    const store = await openTree(disk, treeDir, options.store)
    try {
      const { log, torn, epochs } = openTxnLog({
        ...options.log,
        directory: disk.openLog(logDir),
        baseZxid,
        lastApplied: store.tree.lastApplied,
      })
      const last = log.lastZxid
      if (epochOf(last) > expected.acceptedEpoch) {
        await new Promise<void>((closed) => log.close(closed))
        const promised = `this server never accepted more than epoch ${expected.acceptedEpoch}`
        throw new RecoveryError(
          join(disk.path, logDir),
          `it ends at ${formatZxid(last)}, but ${promised}`,
        )
      }
      for (const name of found) {
        if (name !== treeDir && name !== logDir) disk.remove(name)
      }
      return new Storage(options, { treeDir, logDir, store, log }, { torn, epochs })
    } catch (error) {
      await store.close()
      throw error
    }
  }

  get log(): TxnLog {
    return this.#inForce.log
  }

  /** The directories of the tree in force and of the log. */
  get treeDirectory(): string {
    return join(this.#options.disk.path, this.#inForce.treeDir)
  }

  get logDirectory(): string {
    return join(this.#options.disk.path, this.#inForce.logDir)
  }

  /** Disk usage of tree and log. */
  get sizes(): { readonly dataBytes: number; readonly logBytes: number } {
    const { disk } = this.#options
    const { treeDir, logDir } = this.#inForce
    return { dataBytes: disk.sizeBytes(treeDir), logBytes: disk.sizeBytes(logDir) }
  }

  /** Called when the tree has changed. */
  wake(): void {
    this.#inForce.store.wake()
  }

  async close(): Promise<void> {
    const { store, log } = this.#inForce
    await new Promise<void>((closed) => log.close(closed))
    await store.close()
  }

  async read(): Promise<SnapshotReader> {
    return new TreeReader(await this.#inForce.store.snapshot())
  }

  async receive(): Promise<SnapshotReceiver> {
    const { disk } = this.#options
    const numbers = disk.list().map((name) => Number(name.split('-')[1] ?? 0))
    const number = 1 + Math.max(0, ...numbers)
    const place = { treeDir: `tree-${number}`, logDir: `log-${number}` }
    return new TreeReceiver({
      disk,
      place,
      db: await disk.openTree(place.treeDir),
      storeOptions: this.#options.store,
      install: (store) => this.#install(place, store),
    })
  }

  /** The old tree and log stay untouched until `meta` names `place`; then they are removed. */
  async #install(place: SnapshotPlace, store: TreeStore): Promise<TxnLog> {
    const { disk } = this.#options
    const before = this.#inForce
    // Its unwritten changes are already in the new tree; and none of its batches may see that tree.
    await before.store.abandon()
    const { log } = openTxnLog({
      ...this.#options.log,
      directory: disk.openLog(place.logDir),
      baseZxid: store.tree.lastApplied,
      lastApplied: store.tree.lastApplied,
    })
    store.handOverTo(this.tree)
    this.#inForce = { ...place, store, log }
    await new Promise<void>((closed) => before.log.close(closed))
    for (const name of [before.treeDir, before.logDir]) disk.remove(name)
    return log
  }
}

/** The leader's side: see SnapshotReader. */
class TreeReader implements SnapshotReader {
  readonly zxid: Zxid
  readonly #rest: AsyncGenerator<Uint8Array>
  #first: Uint8Array | undefined

  constructor({ zxid, first, rest }: TreeSnapshot) {
    this.zxid = zxid
    this.#first = first
    this.#rest = rest
  }

  async next(): Promise<Uint8Array | undefined> {
    const first = this.#first
    this.#first = undefined
    if (first !== undefined) return first
    const { value } = await this.#rest.next()
    return value ?? undefined
  }

  async close(): Promise<void> {
    await this.#rest.return(undefined)
  }
}

/** The learner's side: see SnapshotReceiver. */
class TreeReceiver implements SnapshotReceiver {
  readonly #disk: StorageDisk
  readonly #place: SnapshotPlace
  readonly #db: TreeDatabase
  readonly #storeOptions: TreeStoreOptions
  readonly #install: (store: TreeStore) => Promise<TxnLog>
  #store: TreeStore | undefined

  constructor(parts: {
    readonly disk: StorageDisk
    readonly place: SnapshotPlace
    readonly db: TreeDatabase
    readonly storeOptions: TreeStoreOptions
    readonly install: (store: TreeStore) => Promise<TxnLog>
  }) {
    this.#disk = parts.disk
    this.#place = parts.place
    this.#db = parts.db
    this.#storeOptions = parts.storeOptions
    this.#install = parts.install
  }

  async add(chunk: Uint8Array): Promise<void> {
    const batch = this.#db.batch()
    const entry = new EntryReader(chunk)
    while (entry.next()) batch.put(entry.key, entry.value)
    await batch.write({ sync: false })
  }

  async finish(zxid: Zxid): Promise<SnapshotPlace> {
    const { treeDir, logDir } = this.#place
    await this.#db.close()
    this.#disk.syncTree(treeDir)
    try {
      this.#store = await openTree(this.#disk, treeDir, this.#storeOptions)
    } catch (cause) {
      if (!(cause instanceof DamagedTreeError)) throw cause
      throw new SnapshotError(`Cannot use the received tree: ${cause.message}`, { cause })
    }
    const { lastApplied } = this.#store.tree
    if (lastApplied !== zxid) {
      const found = `it shows ${formatZxid(lastApplied)}, not ${formatZxid(zxid)}`
      throw new SnapshotError(`Cannot use the received tree: ${found}`)
    }
    this.#disk.makeLog(logDir)
    return this.#place
  }

  async install(): Promise<TxnLog> {
    const store = this.#store
    if (store === undefined) throw new SnapshotError('Cannot install a tree that is not finished')
    return this.#install(store)
  }

  async discard(): Promise<void> {
    await this.#db.close()
    await this.#store?.abandon()
    for (const name of [this.#place.treeDir, this.#place.logDir]) this.#disk.remove(name)
  }
}

/**
 * A data directory without `meta` must be empty of our other data as well: this server's promises,
 * and the agreed part of its history, would otherwise be forgotten.
 *
 * @throws RecoveryError
 */
export function assertNew(disk: StorageDisk): void {
  const [found] = disk.list()
  if (found === undefined) return
  const advice =
    'Restore it from a backup, or move the whole directory away, so that this server joins as a new one'
  throw new RecoveryError(
    join(disk.path, 'meta'),
    `it is missing, but ${found} is there. ${advice}`,
  )
}

function openTree(disk: StorageDisk, name: string, options: TreeStoreOptions): Promise<TreeStore> {
  return TreeStore.open(join(disk.path, name), disk.openTree(name), options)
}
