// ZooKeeper's format under /zookeeper/quota: limits of a subtree and its usage. Pure.
//
//   count=10,bytes=-1=;byteHardLimit=-1;countHardLimit=20      -1: no limit
//
// Readers older than 3.7 stop at the = before the first ;. Source: ZooKeeper's StatsTrack.

/** For a subtree, including its root. As limits, `count` and `bytes` only warn. */
export interface Quota {
  readonly count: number
  readonly bytes: number
  readonly countHardLimit: number
  readonly byteHardLimit: number
}

export const unlimited: Quota = { count: -1, bytes: -1, countHardLimit: -1, byteHardLimit: -1 }

const root = '/zookeeper/quota'
const limitsName = 'zookeeper_limits'
const statsName = 'zookeeper_stats'

interface QuotaPaths {
  /** holds the limits of `/a/b`, and the nodes of `/a/b/c` below it */
  readonly node: string
  readonly limits: string
  readonly stats: string
}

export function quotaPathsOf(path: string): QuotaPaths {
  const node = `${root}${path}`
  return { node, limits: `${node}/${limitsName}`, stats: `${node}/${statsName}` }
}

/** The subtree limited by a node below /zookeeper/quota; undefined if the node holds no limits. */
export function quotaOwnerOf(path: string): string | undefined {
  const end = `/${limitsName}`
  return path.endsWith(end) ? path.slice(root.length, -end.length) : undefined
}

/** Whether the path is a quota, which cannot be limited. */
export function isQuotaPath(path: string): boolean {
  return path === root || path.startsWith(`${root}/`)
}

export function parseQuota(text: string): Quota {
  const found = new Map<string, number>()
  for (const pair of text.split(/[,;]+/)) {
    const [key = '', value = ''] = pair.split('=')
    if (value !== '') found.set(key, Number(value))
  }
  return {
    count: found.get('count') ?? -1,
    bytes: found.get('bytes') ?? -1,
    countHardLimit: found.get('countHardLimit') ?? -1,
    byteHardLimit: found.get('byteHardLimit') ?? -1,
  }
}

export function formatLimits({ count, bytes, countHardLimit, byteHardLimit }: Quota): string {
  const hard = `byteHardLimit=${byteHardLimit};countHardLimit=${countHardLimit}`
  return `count=${count},bytes=${bytes}=;${hard}`
}

export function formatUsage({ count, bytes }: Pick<Quota, 'count' | 'bytes'>): string {
  return `count=${count},bytes=${bytes}`
}

/** Limits that are already exceeded. */
export function quotaWarnings(limits: Quota, usage: Quota): string[] {
  const isLess = (limit: number, used: number) => limit > -1 && limit < used
  const warnings: string[] = []
  if (isLess(limits.count, usage.count) || isLess(limits.countHardLimit, usage.count)) {
    const found = `the existing count:${usage.count}`
    warnings.push(`[Warning]: the count quota you create is less than ${found}`)
  }
  if (isLess(limits.bytes, usage.bytes) || isLess(limits.byteHardLimit, usage.bytes)) {
    const found = `the existing bytes:${usage.bytes}`
    warnings.push(`[Warning]: the bytes quota you create is less than ${found}`)
  }
  return warnings
}
