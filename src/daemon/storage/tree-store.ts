// The tree in LevelDB, slightly behind the one in memory. The log is the source of truth: nothing
// waits for a write here, and changes missing after a crash are replayed from the log.
//
// One batch is in flight at a time; keys that become dirty meanwhile form the next, once each.
// Every batch includes lastApplied and all changes up to it, so the disk always holds the tree of
// exactly one zxid. Layout: keys.ts.

import type { Clock } from '../../clock.ts'
import { invariant } from '../../invariant.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import type { Turn } from '../../turn.ts'
import { formatDigest, sameDigest } from '../ztree/digest.ts'
import { ZTree } from '../ztree/ztree.ts'
import type { TreeDatabase } from './disk.ts'
import { metaKey, parseKey, StoreCodec, type StoreMeta, sessionKey, storeFormat } from './keys.ts'
import { EntryReader } from './tree-entries.ts'

/** The directory does not hold a tree written by this store. */
export class DamagedTreeError extends Error {
  override readonly name = 'DamagedTreeError'
}

/** The entries of a tree, as stored in LevelDB, in pieces (tree-entries.ts). */
export interface TreeSnapshot {
  readonly zxid: Zxid
  readonly first: Uint8Array
  readonly rest: AsyncGenerator<Uint8Array>
}

export interface TreeStoreOptions {
  readonly clock: Clock
  readonly turn: Turn
  /** A background write failed: nothing is written from now on. Called once. */
  readonly onFailure: (cause: unknown) => void
  /** `persisted` has advanced. */
  readonly onPersisted?: (zxid: Zxid) => void
  /** How long a batch took, from its start to the disk. */
  readonly onWritten?: (tookMs: number) => void
  /**
   * How long a batch gathers changes: the longer, the more writes of one key are merged, and the more
   * of the log is replayed after a crash.
   */
  readonly gatherMs?: number
}

/** Keys and bytes encoded per turn: 10 000 keys at once would block the loop for 5 ms. */
const keysPerTurn = 500
const bytesPerTurn = 512 * 1024

/**
 * After this many passes a batch is finished in one turn, or it might never catch up with a busy
 * tree.
 */
const leisurelyPasses = 8

export class TreeStore {
  #tree: ZTree
  readonly #db: TreeDatabase
  readonly #clock: Clock
  readonly #turn: Turn
  readonly #onFailure: (cause: unknown) => void
  readonly #onPersisted: ((zxid: Zxid) => void) | undefined
  readonly #onWritten: ((tookMs: number) => void) | undefined
  readonly #gatherMs: number
  readonly #codec = new StoreCodec()
  #persisted: Zxid
  #writing: Promise<void> | undefined = undefined
  #cancelGathering: (() => void) | undefined = undefined
  #failure: { readonly cause: unknown } | undefined = undefined
  #closed = false

  private constructor(db: TreeDatabase, tree: ZTree, options: TreeStoreOptions) {
    this.#tree = tree
    this.#db = db
    this.#clock = options.clock
    this.#turn = options.turn
    this.#onFailure = options.onFailure
    this.#onPersisted = options.onPersisted
    this.#onWritten = options.onWritten
    this.#gatherMs = options.gatherMs ?? 500
    this.#persisted = tree.lastApplied
  }

  /**
   * Loads the tree from the database returned by `opening`, or starts a new one there.
   *
   * @param directory for error messages
   * @throws DamagedTreeError unless it holds a complete tree
   */
  static async open(
    directory: string,
    opening: Promise<TreeDatabase>,
    options: TreeStoreOptions,
  ): Promise<TreeStore> {
    let db: TreeDatabase
    try {
      db = await opening
    } catch (error) {
      const cause = error instanceof Error ? (error.cause ?? error) : error
      throw new DamagedTreeError(`Cannot open the tree in ${directory}: ${cause}`, { cause })
    }
    try {
      return new TreeStore(db, await load(db, directory), options)
    } catch (cause) {
      await db.close()
      throw cause
    }
  }

  get tree(): ZTree {
    return this.#tree
  }

  /**
   * From now on `tree`, which other parts hold, shows the loaded tree, and is the one being
   * written.
   */
  handOverTo(tree: ZTree): void {
    tree.become(this.#tree)
    this.#tree = tree
  }

  /** The tree on the disk is at this zxid or a later one, even after a power cut. */
  get persisted(): Zxid {
    return this.#persisted
  }

  /** Called when the tree has changed: a batch is written soon, unless one is already pending. */
  wake(): void {
    if (this.#closed || this.#failure !== undefined) return
    if (this.#writing !== undefined || this.#cancelGathering !== undefined) return
    this.#cancelGathering = this.#clock.after(this.#gatherMs, () => {
      this.#cancelGathering = undefined
      this.#write().catch(this.#onFailure)
    })
  }

  /**
   * Writes everything applied so far.
   *
   * @returns `persisted`: the log is needed from there on
   */
  async flush(): Promise<Zxid> {
    while (this.#writing !== undefined) await this.#writing
    if (this.#failure !== undefined) throw this.#failure.cause
    this.#cancelGathering?.()
    this.#cancelGathering = undefined
    await this.#write()
    return this.#persisted
  }

  /** Writes the rest and closes. Later changes of the tree are not written. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    try {
      await this.flush()
    } finally {
      await this.#db.close()
    }
  }

  /** Closes without writing the rest: the contents of the directory are no longer needed. */
  async abandon(): Promise<void> {
    this.#closed = true
    this.#cancelGathering?.()
    await this.#writing?.catch(() => undefined)
    await this.#db.close()
  }

  /**
   * The current tree, completely on the disk, and its entries as stored there, in key order. Later
   * writes do not affect it.
   */
  async snapshot(): Promise<TreeSnapshot> {
    await this.flush()
    const rest = this.#db.pieces()
    const { value: first } = await rest.next()
    // A batch may have been in flight: only the pieces themselves say which zxid they show.
    const entry = new EntryReader(first ?? new Uint8Array(0))
    const meta = entry.next() && entry.key === metaKey ? this.#codec.decodeMeta(entry) : undefined
    if (first === undefined || meta === undefined || 'otherFormat' in meta) {
      throw new DamagedTreeError(
        `Cannot read the tree back: '${metaKey}' has changed since it was written`,
      )
    }
    return { zxid: meta.lastApplied, first, rest }
  }

  async #write(): Promise<void> {
    invariant(this.#writing === undefined, 'one batch is in flight at a time')
    this.#writing = this.#writeBatch()
    const startMs = this.#clock.nowMs()
    try {
      await this.#writing
      this.#onWritten?.(this.#clock.nowMs() - startMs)
    } catch (cause) {
      // The changes taken from the tree are lost: a later batch would leave a tree with holes.
      this.#failure = { cause }
      throw cause
    } finally {
      this.#writing = undefined
    }
    if (this.tree.lastApplied > this.#persisted) this.wake()
  }

  async #writeBatch(): Promise<void> {
    const { tree } = this
    const batch = this.#db.batch()
    let keys = 0
    let bytes = 0
    for (let pass = 0; pass === 0 || tree.isDirty; pass++) {
      const { paths, sessions } = tree.takeDirty()
      for (const path of paths) {
        const znode = tree.get(path)
        if (znode === undefined) batch.del(path)
        else {
          const value = this.#codec.encodeZnode(path, znode)
          batch.put(path, value)
          bytes += value.length
        }
        keys++
        if (keys < keysPerTurn && bytes < bytesPerTurn) continue
        if (pass >= leisurelyPasses) continue
        // Keys that change during the pause are dirty again, and encoded again in the next pass.
        await this.#turn.next()
        keys = bytes = 0
      }
      for (const id of sessions) {
        const key = sessionKey(id)
        const session = tree.sessions.get(id)
        if (session === undefined) batch.del(key)
        else batch.put(key, this.#codec.encodeSession(key, session))
      }
    }
    // Nothing happened since the last pause: the batch is the tree of exactly this zxid.
    const { lastApplied } = tree
    const meta = {
      lastApplied,
      znodeCount: tree.nodeCount,
      sessionCount: tree.sessions.size,
      digest: tree.digest,
    }
    batch.put(metaKey, this.#codec.encodeMeta(meta))
    // Each batch is synced: LevelDB starts a new log file every few megabytes without syncing the
    // previous one, so a power cut could keep a later batch and lose an earlier one.
    await batch.write({ sync: true })
    this.#persisted = lastApplied
    if (!this.#closed) this.#onPersisted?.(lastApplied)
  }
}

/** The tree stored in `db`; if it is empty, the initial tree of every ensemble. */
async function load(db: TreeDatabase, directory: string): Promise<ZTree> {
  const damage = (found: string): DamagedTreeError =>
    new DamagedTreeError(`Cannot load the tree in ${directory}: ${found}`)
  const codec = new StoreCodec()
  let saved: { readonly meta: StoreMeta; readonly tree: ZTree } | undefined
  for await (const piece of db.pieces()) {
    const entry = new EntryReader(piece)
    while (entry.next()) {
      const key = parseKey(entry.key)
      if (key === undefined) throw damage(`'${entry.key}' is not a key of a tree`)
      if (key.type === 'meta') {
        const meta = codec.decodeMeta(entry)
        if (meta === undefined) throw damage(`the value of '${entry.key}' is damaged`)
        if ('otherFormat' in meta) {
          throw damage(`its format is ${meta.otherFormat}, this server knows ${storeFormat}`)
        }
        saved = { meta, tree: new ZTree(meta.lastApplied, meta) }
        continue
      }
      if (saved === undefined) throw damage('its zxid is missing')
      const { tree } = saved
      if (key.type === 'znode') {
        const fields = codec.decodeZnode(entry)
        if (fields === undefined) throw damage(`the value of '${entry.key}' is damaged`)
        if (!tree.restore(key.path, fields)) throw damage(`'${entry.key}' has no parent`)
      } else {
        const session = codec.decodeSession(entry)
        if (session === undefined) throw damage(`the value of '${entry.key}' is damaged`)
        tree.restoreSession(key.session, session)
      }
    }
  }
  if (saved === undefined) return new ZTree()
  const { meta, tree } = saved
  if (tree.nodeCount !== meta.znodeCount || tree.sessions.size !== meta.sessionCount) {
    const counted = `${tree.nodeCount} znodes and ${tree.sessions.size} sessions`
    throw damage(`${counted} found, ${meta.znodeCount} and ${meta.sessionCount} written`)
  }
  if (!sameDigest(tree.digest, meta.digest)) {
    const found = `${formatDigest(tree.digest)} found, ${formatDigest(meta.digest)} written`
    throw damage(`its digest differs from the written one: ${found}`)
  }
  return tree
}
