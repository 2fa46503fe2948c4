// The tree in LevelDB, a little behind the one in memory. The log is the truth: nobody waits for a
// write here, and what is missing after a crash is replayed from the log.
//
// One batch is in flight at a time; what becomes dirty meanwhile is the next, once per key however
// often it changed. Every batch carries lastApplied and everything up to it, so what lies on the disk
// is the tree as it was at one zxid, never between two. Layout: keys.ts.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { Level } from 'level'
import type { Clock } from '../../clock.ts'
import { invariant } from '../../invariant.ts'
import { parentOf } from '../../protocol/path.ts'
import type { SessionId } from '../../protocol/records.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import type { Znode } from '../ztree/znode.ts'
import { type Session, type TreeImage, ZTree } from '../ztree/ztree.ts'
import {
  metaKey,
  parseKey,
  StoreCodec,
  type StoreMeta,
  sessionKey,
  storeFormat,
  znodeKey,
} from './keys.ts'

/** What lies in the directory is not a tree as this store leaves one. */
export class DamagedTreeError extends Error {
  override readonly name = 'DamagedTreeError'
}

export interface TreeStoreOptions {
  readonly clock: Clock
  /** A write behind failed: from now on nothing is written. Called once. */
  readonly onFailure: (cause: unknown) => void
  /** How long a batch gathers: the longer, the more writes of one key become one. */
  readonly gatherMs?: number
}

/** Keys encoded before other work gets its turn: 10 000 at once would hold the loop for 5 ms. */
const keysPerTurn = 500

/** From then on a batch is finished in one turn, or a busy tree might never be caught up with. */
const leisurelyPasses = 8

const entriesPerRead = 2000
const bytesPerRead = 1024 * 1024

export class TreeStore {
  readonly tree: ZTree
  readonly #db: Level<string, string>
  readonly #clock: Clock
  readonly #onFailure: (cause: unknown) => void
  readonly #gatherMs: number
  readonly #codec = new StoreCodec()
  #persisted: Zxid
  #writing: Promise<void> | undefined = undefined
  #cancelGathering: (() => void) | undefined = undefined
  #failure: { readonly cause: unknown } | undefined = undefined
  #closed = false

  private constructor(db: Level<string, string>, tree: ZTree, options: TreeStoreOptions) {
    this.tree = tree
    this.#db = db
    this.#clock = options.clock
    this.#onFailure = options.onFailure
    this.#gatherMs = options.gatherMs ?? 100
    this.#persisted = tree.lastApplied
  }

  /**
   * Opens the store in `directory`, or makes one, and loads the tree.
   *
   * @throws DamagedTreeError if it holds anything but a whole tree
   */
  static async open(directory: string, options: TreeStoreOptions): Promise<TreeStore> {
    // Nothing is read after loading: a block cache would hold memory for nothing.
    const db = new Level<string, string>(directory, { cacheSize: 512 * 1024 })
    try {
      await db.open()
    } catch (error) {
      const cause = error instanceof Error ? (error.cause ?? error) : error
      throw new DamagedTreeError(`Cannot open the tree in ${directory}: ${cause}`, { cause })
    }
    try {
      return new TreeStore(db, new ZTree(await load(db, directory)), options)
    } catch (cause) {
      await db.close()
      throw cause
    }
  }

  /** The tree on the disk is the one of this zxid or a later one, also after a power cut. */
  get persisted(): Zxid {
    return this.#persisted
  }

  /** To be called when the tree changed: a batch is written soon, if none is on its way already. */
  wake(): void {
    if (this.#closed || this.#failure !== undefined) return
    if (this.#writing !== undefined || this.#cancelGathering !== undefined) return
    this.#cancelGathering = this.#clock.after(this.#gatherMs, () => {
      this.#cancelGathering = undefined
      this.#write().catch(this.#onFailure)
    })
  }

  /**
   * Writes everything applied by now.
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

  /** Writes the rest and closes. What the tree gets later is not written. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    try {
      await this.flush()
    } finally {
      await this.#db.close()
    }
  }

  async #write(): Promise<void> {
    invariant(this.#writing === undefined, 'one batch is in flight at a time')
    this.#writing = this.#writeBatch()
    try {
      await this.#writing
    } catch (cause) {
      // What the batch took from the tree is lost: a later one would leave a tree with holes.
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
    let room = keysPerTurn
    for (let pass = 0; pass === 0 || tree.isDirty; pass++) {
      const { paths, sessions } = tree.takeDirty()
      for (const path of paths) {
        const key = znodeKey(path)
        const znode = tree.get(path)
        if (znode === undefined) batch.del(key)
        else batch.put(key, this.#codec.encodeZnode(key, znode))
        if (--room > 0 || pass >= leisurelyPasses) continue
        // What changes during the pause is dirty again, and encoded again in the next pass.
        await nextTurn()
        room = keysPerTurn
      }
      for (const id of sessions) {
        const key = sessionKey(id)
        const session = tree.sessions.get(id)
        if (session === undefined) batch.del(key)
        else batch.put(key, this.#codec.encodeSession(key, session))
      }
    }
    // Since the last pause nothing happened: the batch is the tree of just this zxid.
    const { lastApplied } = tree
    const meta = {
      format: storeFormat,
      lastApplied,
      znodeCount: tree.nodeCount,
      sessionCount: tree.sessions.size,
    }
    batch.put(metaKey, this.#codec.encodeMeta(meta))
    // Synced, each one: LevelDB starts a new log file every few megabytes without syncing the one
    // before, so a power cut could keep a later batch and lose an earlier one.
    await batch.write({ sync: true })
    this.#persisted = lastApplied
  }
}

/** @returns undefined if there is nothing yet */
async function load(db: Level<string, string>, directory: string): Promise<TreeImage | undefined> {
  const damage = (found: string): DamagedTreeError =>
    new DamagedTreeError(`Cannot load the tree in ${directory}: ${found}`)
  const codec = new StoreCodec()
  const znodes = new Map<string, Znode>()
  const sessions = new Map<SessionId, Session>()
  let meta: StoreMeta | undefined
  for await (const entries of entriesOf(db)) {
    for (const [text, value] of entries) {
      const key = parseKey(text)
      switch (key?.type) {
        case 'znode': {
          const znode = codec.decodeZnode(text, value)
          if (znode === undefined) throw damage(`the value of '${text}' is damaged`)
          znodes.set(key.path, znode)
          if (key.path === '/') break
          const parent = znodes.get(parentOf(key.path))
          if (parent === undefined) throw damage(`'${key.path}' has no parent`)
          parent.addChild(key.path)
          break
        }
        case 'session': {
          const session = codec.decodeSession(text, value)
          if (session === undefined) throw damage(`the value of '${text}' is damaged`)
          sessions.set(key.session, session)
          break
        }
        case 'meta':
          meta = codec.decodeMeta(value)
          if (meta === undefined) throw damage(`the value of '${text}' is damaged`)
          if (meta.format !== storeFormat) {
            throw damage(`its format is ${meta.format}, this server knows ${storeFormat}`)
          }
          break
        case undefined:
          throw damage(`'${text}' is no key of a tree`)
      }
    }
  }
  if (meta === undefined) {
    if (znodes.size + sessions.size === 0) return undefined
    throw damage('it does not say which zxid it shows')
  }
  if (znodes.size !== meta.znodeCount || sessions.size !== meta.sessionCount) {
    const counted = `${znodes.size} znodes and ${sessions.size} sessions`
    throw damage(`${counted} found, ${meta.znodeCount} and ${meta.sessionCount} written`)
  }
  return { lastApplied: meta.lastApplied, znodes, sessions }
}

/** All entries in key order, many at a time; the next ones are read while these are looked at. */
async function* entriesOf(db: Level<string, string>): AsyncGenerator<[string, string][]> {
  const iterator = db.iterator({ highWaterMarkBytes: bytesPerRead })
  let next = iterator.nextv(entriesPerRead)
  try {
    for (;;) {
      const entries = await next
      if (entries.length === 0) return
      next = iterator.nextv(entriesPerRead)
      yield entries
    }
  } finally {
    await Promise.allSettled([next])
    await iterator.close()
  }
}
