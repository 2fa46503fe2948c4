// Checks that all servers have the same tree. At regular intervals the leader sends the digest of
// its tree, and each learner compares it: now, or when it gets there. A server that differs cannot
// know what else is wrong with it, so it stops and says why; nothing is repaired silently.

import { counterOf, formatZxid, type Zxid } from '../../protocol/zxid.ts'
import { type Digest, formatDigest, sameDigest } from '../ztree/digest.ts'

/** Transactions between two comparisons. */
const period = 128

/** Own digests kept for the leader's: as many as the leader's may be late. */
const keptMax = 64

/** This server's tree differs from the leader's. */
export class DivergedError extends Error {
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

export function isDigestDue(zxid: Zxid): boolean {
  return counterOf(zxid) % period === 0
}

export class DigestCheck {
  readonly #ours = new Map<Zxid, Digest>()
  #theirs: { readonly zxid: Zxid; readonly digest: Digest } | undefined

  /**
   * This server's tree at a zxid where a digest is due.
   *
   * @throws DivergedError if the leader's differs
   */
  applied(zxid: Zxid, digest: Digest): void {
    if (this.#theirs?.zxid === zxid) compare(zxid, digest, this.#theirs.digest)
    this.#ours.set(zxid, digest)
    for (const oldest of this.#ours.keys()) {
      if (this.#ours.size <= keptMax) break
      this.#ours.delete(oldest)
    }
  }

  /** Recent digests of this server, oldest first. */
  get recent(): ReadonlyMap<Zxid, Digest> {
    return this.#ours
  }

  /** @throws DivergedError if this server's differs */
  heard(zxid: Zxid, digest: Digest): void {
    const ours = this.#ours.get(zxid)
    if (ours === undefined) this.#theirs = { zxid, digest }
    else compare(zxid, ours, digest)
  }
}

function compare(zxid: Zxid, ours: Digest, theirs: Digest): void {
  if (!sameDigest(ours, theirs)) throw new DivergedError(zxid, { ours, theirs })
}
