// Copies a tree of znodes from one ensemble to another, through two clients. Either may be ZooKeeper's.
//
//   survey   paths, ACLs and versions of the source, level by level; finds what cannot be copied
//   fill     each znode with its data, parents first, open to every client
//   count    sequence counters: the next sequential name is the one the source would have given
//   close    ACLs, children first
//   survey   once more: reports what changed at the source meanwhile
//
// Ephemerals are not copied: they belong to sessions. A client cannot see which znodes are
// containers or have a TTL: their copies are persistent.

import { randomUUID } from 'node:crypto'
import type { ZkClient } from '../../client/zk/zk-client.ts'
import { ZkError } from '../../protocol/error-codes.ts'
import { type Acl, perms, type Stat } from '../../protocol/records.ts'
import type { MultiOp } from '../../protocol/zk/messages.ts'

/** Maximum requests in flight; values may be large. */
const parallelMax = 32
/** Create-delete pairs in one multi that raises a counter. */
const pairsPerMulti = 250
/** Above this a counter is not raised, and reported instead: a step costs two writes. */
const raiseMax = 20_000_000
/** After a lost connection the client finds another server, or the session ends. */
const triesMax = 10

interface CopyReport {
  readonly znodeCount: number
  readonly dataBytes: number
  /** other than the open one */
  readonly aclCount: number
  readonly ephemeralCount: number
  /** paths that differ at the source from the copy */
  readonly changed: readonly string[]
  /** paths whose counters are lower than at the source */
  readonly behind: readonly string[]
}

/** The source cannot be copied, or the target cannot be filled. Nothing was written. */
class CopyError extends Error {
  override readonly name = 'CopyError'
}

interface Found {
  readonly path: string
  readonly stat: Stat
  readonly acl: readonly Acl[]
}

interface Survey {
  /** by depth, the root first; without ephemerals */
  readonly levels: readonly (readonly Found[])[]
  readonly ephemeralCount: number
}

/**
 * @param target has no znodes, except below /zookeeper
 * @throws CopyError; ZkError, after which the target is incomplete
 */
export async function copyTree(source: ZkClient, target: ZkClient): Promise<CopyReport> {
  await source.sync()
  const survey = await surveyOf(source)
  const found = survey.levels.flat()
  refuseUnusableAcls(found)
  await refuseFull(target)

  let dataBytes = 0
  // Quotas last: they count their subtree when they are created.
  for (const isQuota of [false, true]) {
    for (const level of survey.levels) {
      const part = level.filter(({ path }) => path.startsWith('/zookeeper') === isQuota)
      for (const bytes of await inParallel(part, (each) => fill(source, target, each))) {
        dataBytes += bytes
      }
    }
  }
  const raised = await inParallel(found, (each) => raiseCounter(target, each))
  const behind = found.filter((_, i) => raised[i] === false).map(({ path }) => path)
  const closed = found.filter(({ acl }) => !isOpen(acl)).reverse()
  for (const { path, acl } of closed) await repeat(() => target.setACL(path, acl))

  await source.sync()
  return {
    znodeCount: found.length,
    dataBytes,
    aclCount: closed.length,
    ephemeralCount: survey.ephemeralCount,
    changed: changedBetween(found, (await surveyOf(source)).levels.flat()),
    behind,
  }
}

// --- survey --------------------------------------------------------------------------------------

async function surveyOf(source: ZkClient): Promise<Survey> {
  const levels: Found[][] = []
  let ephemeralCount = 0
  for (let paths = ['/']; paths.length > 0; ) {
    const seen = (await inParallel(paths, (path) => look(source, path))).filter(isDefined)
    const kept = seen.filter(({ stat }) => stat.ephemeralOwner === 0)
    ephemeralCount += seen.length - kept.length
    levels.push(kept)
    paths = kept.flatMap(({ path, children }) => children.map((name) => below(path, name)))
    paths = paths.filter((path) => !isOwn(path))
  }
  return { levels, ephemeralCount }
}

async function look(
  source: ZkClient,
  path: string,
): Promise<(Found & { children: string[] }) | undefined> {
  try {
    const [{ children, stat }, { acl }] = await Promise.all([
      repeat(() => source.getChildren(path)),
      repeat(() => source.getACL(path)),
    ])
    return { path, stat, acl, children }
  } catch (error) {
    if (!(error instanceof ZkError)) throw error
    if (error.code === 'NONODE') return undefined // deleted since its parent was read
    if (error.code !== 'NOAUTH') throw error
    const advice = 'give an identity that may read it, such as the super user, with --from-auth'
    throw new CopyError(`Cannot read ${path} at the source: ${advice}`)
  }
}

function below(path: string, name: string): string {
  return path === '/' ? `/${name}` : `${path}/${name}`
}

/** The ensemble's own znodes; quotas are written with tools, like any znodes. */
function isOwn(path: string): boolean {
  return path.startsWith('/zookeeper/') && !/^\/zookeeper\/quota(\/|$)/.test(path)
}

function isDefined<T>(value: T | undefined): value is T {
  return value !== undefined
}

function changedBetween(before: readonly Found[], after: readonly Found[]): string[] {
  const text = ({ stat }: Found) => `${stat.czxid} ${stat.mzxid} ${stat.aversion}`
  const was = new Map(before.map((each) => [each.path, text(each)]))
  const changed = after.filter((each) => was.get(each.path) !== text(each)).map(({ path }) => path)
  const is = new Set(after.map(({ path }) => path))
  const gone = before.filter(({ path }) => !is.has(path)).map(({ path }) => path)
  return [...changed, ...gone].filter((path) => !path.startsWith('/zookeeper/')).sort()
}

// --- what can be copied --------------------------------------------------------------------------

const schemes: ReadonlySet<string> = new Set(['world', 'digest', 'ip'])

function refuseUnusableAcls(found: readonly Found[]): void {
  for (const { path, acl } of found) {
    const foreign = acl.find(({ scheme }) => !schemes.has(scheme))
    if (foreign !== undefined) {
      const has = `its ACL has ${foreign.scheme}:${foreign.id}`
      const only = `${[...schemes].join(', ')} are supported`
      throw new CopyError(`Cannot copy ${path}: ${has}, and only ${only}. Change it at the source`)
    }
    const hidden = acl.find(({ scheme, id }) => scheme === 'digest' && /:x$/.test(id))
    if (hidden === undefined) continue
    const advice = 'give the super user, or an identity with admin permission, with --from-auth'
    throw new CopyError(`Cannot copy ${path}: the digests of its ACL are hidden; ${advice}`)
  }
}

async function refuseFull(target: ZkClient): Promise<void> {
  const root = await target.exists('/')
  if (root === undefined) return // a chroot, which is created here
  const { children } = await target.getChildren('/')
  const other = children.find((name) => name !== 'zookeeper')
  if (other === undefined) return
  throw new CopyError(`Cannot copy into the target: it has /${other}, and must be empty`)
}

// --- fill, count ---------------------------------------------------------------------------------

/** @returns the size of its data */
async function fill(source: ZkClient, target: ZkClient, { path }: Found): Promise<number> {
  const data = await dataOf(source, path)
  if (data === undefined) return 0
  if (path === '/' || path === '/zookeeper' || path === '/zookeeper/quota') {
    if ((await repeat(() => target.exists(path))) !== undefined) {
      if (data !== null && data.length > 0) await repeat(() => target.setData(path, data))
      return data?.length ?? 0
    }
  }
  await repeat(async (isRepeated) => {
    try {
      await target.create(path, data)
    } catch (error) {
      const isMade = error instanceof ZkError && error.code === 'NODEEXISTS'
      if (!isMade || !isRepeated) throw error
    }
  })
  return data?.length ?? 0
}

/** Undefined if the znode was deleted meanwhile, which the last survey reports. */
async function dataOf(source: ZkClient, path: string): Promise<Buffer | null | undefined> {
  try {
    return (await repeat(() => source.getData(path))).data
  } catch (error) {
    if (error instanceof ZkError && error.code === 'NONODE') return undefined
    throw error
  }
}

/** The number of children ever created, which is the number in the next sequential name. */
function createCountOf({ cversion, numChildren }: Stat): number {
  return ((cversion + numChildren) / 2) % 2 ** 31
}

/** @returns whether the target's counter equals the source's */
async function raiseCounter(target: ZkClient, { path, stat }: Found): Promise<boolean> {
  const wanted = createCountOf(stat)
  if (path.startsWith('/zookeeper') || wanted === 0) return true
  const name = below(path, `zw-copy-${randomUUID()}`)
  for (;;) {
    const now = await repeat(() => target.exists(path))
    if (now === undefined) return true
    const missing = wanted - createCountOf(now)
    if (missing <= 0) return true
    if (missing > raiseMax) return false
    const ops: MultiOp[] = []
    for (let i = 0; i < Math.min(missing, pairsPerMulti); i++) {
      ops.push({ type: 'create', path: name, data: null, mode: 'persistent' })
      ops.push({ type: 'delete', path: name, version: -1 })
    }
    // If the connection was lost, the next read of the counter shows whether the multi was applied.
    await repeat(async (isRepeated) => (isRepeated ? undefined : target.multi(ops)))
  }
}

function isOpen(acl: readonly Acl[]): boolean {
  const [only] = acl
  return acl.length === 1 && only?.scheme === 'world' && only.perms === perms.all
}

// --- requests ------------------------------------------------------------------------------------

/** In order, several at a time. */
async function inParallel<In, Out>(
  items: readonly In[],
  run: (item: In) => Promise<Out>,
): Promise<Out[]> {
  const results: Out[] = []
  for (let i = 0; i < items.length; i += parallelMax) {
    results.push(...(await Promise.all(items.slice(i, i + parallelMax).map(run))))
  }
  return results
}

/** Retries after a lost connection: the client finds another server. */
async function repeat<T>(run: (isRepeated: boolean) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await run(tries > 1)
    } catch (error) {
      const isLost = error instanceof ZkError && error.code === 'CONNECTIONLOSS'
      if (!isLost || tries === triesMax) throw error
    }
  }
}
