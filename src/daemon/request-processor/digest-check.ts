// Do all servers have the same tree? Every so many transactions the leader tells the digest of its own,
// and each learner compares: now, or when it gets there. A server that differs cannot know what else
// is wrong with it, so it ends, and says so; nothing is repaired in silence.

import { counterOf, formatZxid, type Zxid } from '../../protocol/zxid.ts'
import type { Ensemble } from '../ensemble/ensemble.ts'
import { type Digest, formatDigest, sameDigest } from '../ztree/digest.ts'
import type { ZTree } from '../ztree/ztree.ts'

/** Transactions from one comparison to the next. */
const period = 128

/** Digests of our own that are kept for a leader's word: as many as it may be late. */
const keptMax = 64

/** This server's tree is not the leader's. */
class DivergedError extends Error {
  override readonly name = 'DivergedError'

  constructor(zxid: Zxid, { ours, theirs }: { readonly ours: Digest; readonly theirs: Digest }) {
    super(
      `Cannot go on: the tree of this server is not the leader's at ${formatZxid(zxid)}: ` +
        `its digest is ${formatDigest(ours)}, the leader's ${formatDigest(theirs)}. Keep the data ` +
        'directory for whoever looks for the cause, and start this server on an empty one: the ' +
        'leader will send it the tree',
    )
  }
}

export class DigestCheck {
  readonly #ensemble: Pick<Ensemble, 'role' | 'sendToLearners'>
  readonly #tree: Pick<ZTree, 'digest'>
  readonly #ours = new Map<Zxid, Digest>()
  #theirs: { readonly zxid: Zxid; readonly digest: Digest } | undefined

  constructor(ensemble: Pick<Ensemble, 'role' | 'sendToLearners'>, tree: Pick<ZTree, 'digest'>) {
    this.#ensemble = ensemble
    this.#tree = tree
  }

  /**
   * The tree shows everything up to `zxid`.
   *
   * @throws DivergedError if the leader's was another there
   */
  applied(zxid: Zxid): void {
    if (counterOf(zxid) % period !== 0) return
    const { digest } = this.#tree
    if (this.#theirs?.zxid === zxid) compare(zxid, digest, this.#theirs.digest)
    this.#keep(zxid, digest)
    if (this.#ensemble.role.type !== 'leading') return
    const { high, low } = digest
    this.#ensemble.sendToLearners({ type: 'DIGEST', zxid, high, low })
  }

  /** Our own of late, oldest first. */
  get recent(): ReadonlyMap<Zxid, Digest> {
    return this.#ours
  }

  /** The leader's word. @throws DivergedError if ours was another */
  heard(zxid: Zxid, digest: Digest): void {
    const ours = this.#ours.get(zxid)
    if (ours === undefined) this.#theirs = { zxid, digest }
    else compare(zxid, ours, digest)
  }

  #keep(zxid: Zxid, digest: Digest): void {
    this.#ours.set(zxid, digest)
    for (const oldest of this.#ours.keys()) {
      if (this.#ours.size <= keptMax) break
      this.#ours.delete(oldest)
    }
  }
}

function compare(zxid: Zxid, ours: Digest, theirs: Digest): void {
  if (!sameDigest(ours, theirs)) throw new DivergedError(zxid, { ours, theirs })
}
