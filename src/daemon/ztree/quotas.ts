// Quotas on subtrees, stored as in ZooKeeper: for `/a/b` there are the znodes
//
//   /zookeeper/quota/a/b/zookeeper_limits   `count=N,bytes=N=;byteHardLimit=N;countHardLimit=N`
//   /zookeeper/quota/a/b/zookeeper_stats    `count=N,bytes=N`
//
// -1, or a missing value, is no limit. The first znode puts the quota in force when it is created;
// the data of the second is the usage, generated when it is read: no transaction changes it, and it
// is not part of the digest or of the stored tree. `count` is the number of znodes in the subtree
// including its root, `bytes` the sum of their data. Both are updated with every change. The tree
// feeds this; prep.ts refuses writes above a hard limit. As ZooKeeper's DataTree, StatsTrack and
// checkQuota.

import { parentOf } from '../../protocol/path.ts'
import type { Znode } from './znode.ts'
import type { Znodes } from './znodes.ts'

export interface Usage {
  count: number
  bytes: number
}

/** -1: none */
interface QuotaLimits extends Usage {
  countHard: number
  bytesHard: number
}

export interface Quota {
  readonly path: string
  readonly limits: Readonly<QuotaLimits>
  readonly usage: Readonly<Usage>
}

/** A limit was exceeded by a change. */
export interface Crossing {
  readonly path: string
  readonly what: keyof QuotaLimits
  readonly used: number
  readonly limit: number
}

const quotaRoot = '/zookeeper/quota'
const limitsName = '/zookeeper_limits'
const statsName = '/zookeeper_stats'

export class Quotas {
  readonly #znodes: Znodes
  readonly #byPath = new Map<string, { path: string; limits: QuotaLimits; usage: Usage }>()
  #crossings: Crossing[] = []

  constructor(znodes: Znodes) {
    this.#znodes = znodes
  }

  /** The nearest quota that covers `path`. */
  of(path: string): Quota | undefined {
    for (const quota of this.covering(path)) return quota
    return undefined
  }

  /** All quotas whose subtree has `path`, nearest first. */
  *covering(path: string): Generator<Quota> {
    if (this.#byPath.size === 0) return
    for (let at = path; at !== '/'; at = parentOf(at)) {
      const quota = this.#byPath.get(at)
      if (quota !== undefined) yield quota
    }
  }

  /** The znode at `path` was created or deleted, or its data changed, with this effect. */
  use(path: string, grown: Usage): void {
    if (this.#byPath.size === 0) return
    for (const { path: at } of this.covering(path)) {
      const quota = this.#byPath.get(at)
      if (quota !== undefined) this.#use(quota, grown)
    }
  }

  /** The znode at `path` was added or written: it may define a quota. */
  noticed(path: string, znode: Znode): void {
    if (!path.startsWith(quotaRoot)) return
    const limited = subjectOf(path, limitsName)
    if (limited !== undefined) this.#limit(limited, parseLimits(znode.data))
    const counted = subjectOf(path, statsName)
    if (counted !== undefined) show(znode, this.#byPath.get(counted)?.usage)
  }

  removed(path: string): void {
    if (!path.startsWith(quotaRoot)) return
    const limited = subjectOf(path, limitsName)
    if (limited === undefined) return
    this.#byPath.delete(limited)
    const stats = this.#znodes.get(quotaRoot + limited + statsName)
    if (stats !== undefined) show(stats, undefined)
  }

  /** Returns the crossings since the last call. */
  takeCrossings(): readonly Crossing[] {
    const taken = this.#crossings
    if (taken.length > 0) this.#crossings = []
    return taken
  }

  #limit(path: string, limits: QuotaLimits): void {
    const known = this.#byPath.get(path)
    if (known !== undefined) {
      known.limits = limits
      return
    }
    const usage = this.#measure(path)
    this.#byPath.set(path, { path, limits, usage })
    const stats = this.#znodes.get(quotaRoot + path + statsName)
    if (stats !== undefined) show(stats, usage)
  }

  /** Counts a whole subtree, once; changes update the result. */
  #measure(root: string): Usage {
    const znode = this.#znodes.get(root)
    if (znode === undefined) return { count: 0, bytes: 0 }
    const usage = { count: 1, bytes: znode.dataBytes }
    for (const { dataBytes } of this.#znodes.below(znode)) {
      usage.count++
      usage.bytes += dataBytes
    }
    return usage
  }

  #use(quota: { path: string; limits: QuotaLimits; usage: Usage }, { count, bytes }: Usage): void {
    const { usage, limits } = quota
    const before: Usage = { count: usage.count, bytes: usage.bytes }
    usage.count += count
    usage.bytes += bytes
    for (const [what, unit] of units) {
      const limit = limits[what]
      if (limit < 0 || usage[unit] <= limit || before[unit] > limit) continue
      this.#crossings.push({ path: quota.path, what, used: usage[unit], limit })
    }
  }
}

const units = [
  ['count', 'count'],
  ['countHard', 'count'],
  ['bytes', 'bytes'],
  ['bytesHard', 'bytes'],
] as const

/** Sets what `zookeeper_stats` shows. */
function show(stats: Znode, usage: Usage | undefined): void {
  stats.shown = usage && (() => usageText(usage))
}

function usageText({ count, bytes }: Usage): string {
  return `count=${count},bytes=${bytes}`
}

/**
 * Whether `more` would exceed a hard limit.
 *
 * @param used the quota's usage once everything in flight is committed
 */
export function exceeds(limits: QuotaLimits, used: Usage, more: Usage): boolean {
  // As in ZooKeeper: above the limit of bytes, even a smaller value is refused.
  const counts = more.count !== 0 && limits.countHard >= 0
  const bytes = more.bytes !== 0 && limits.bytesHard >= 0
  if (counts && used.count + more.count > limits.countHard) return true
  return bytes && used.bytes + more.bytes > limits.bytesHard
}

const limitNames = new Map<string, keyof QuotaLimits>([
  ['count', 'count'],
  ['bytes', 'bytes'],
  ['countHardLimit', 'countHard'],
  ['byteHardLimit', 'bytesHard'],
])

/** An unreadable limit is no limit. */
export function parseLimits(data: Uint8Array | null): QuotaLimits {
  const limits = { count: -1, bytes: -1, countHard: -1, bytesHard: -1 }
  const text = data === null ? '' : Buffer.from(data).toString('latin1')
  for (const pair of text.split(/[,;]/)) {
    const [name = '', value = ''] = pair.split('=')
    const key = limitNames.get(name)
    if (key !== undefined && /^\d{1,15}$/.test(value)) limits[key] = Number(value)
  }
  return limits
}

/** The path limited by the limits or stats at `path`; undefined also for `/`. */
function subjectOf(path: string, name: string): string | undefined {
  if (!path.endsWith(name)) return undefined
  const subject = path.slice(quotaRoot.length, -name.length)
  return subject === '' ? undefined : subject
}
