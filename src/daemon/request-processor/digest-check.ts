// Checks that all servers have the same tree. At regular intervals the leader sends the digest of
// its tree, and each learner compares it: now, or when it gets there. A server that differs cannot
// know what else is wrong with it, so it stops and says why; nothing is repaired silently.

import { counterOf, formatZxid, type Zxid } from '../../protocol/zxid.ts'
import type { Ensemble } from '../ensemble/ensemble.ts'
import { type Digest, formatDigest, sameDigest } from '../ztree/digest.ts'
import type { ZTree } from '../ztree/ztree.ts'

/** Transactions between two comparisons. */
const period = 128

/** Own digests kept for the leader's: as many as the leader's may be late. */
const keptMax = 64

/** This server's tree differs from the leader's. */
class DivergedError extends Error {
  override readonly name = 'DivergedError'

  constructor(zxid: Zxid, { ours, theirs }: { readonly ours: Digest; readonly theirs: Digest }) {
    super(
      `Cannot continue: the tree of this server differs from the leader's at ${formatZxid(zxid)}: ` +
        `its digest is ${formatDigest(ours)}, the leader's ${formatDigest(theirs)}. Keep the data ` +
        'directory to investigate the cause, and start this server on an empty one: the ' +
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
   * @throws DivergedError if the leader's digest differs there
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

  /** Recent digests of this server, oldest first. */
  get recent(): ReadonlyMap<Zxid, Digest> {
    return this.#ours
  }

  /** The leader's digest. @throws DivergedError if this server's differs */
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
