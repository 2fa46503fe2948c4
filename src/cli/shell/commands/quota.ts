// Limits of a subtree: znodes under /zookeeper/quota, which the servers enforce.

import type { ZkClient } from '../../../client/zk/zk-client.ts'
import { ZkError } from '../../../protocol/error-codes.ts'
import { childPath, parentOf } from '../../../protocol/path.ts'
import { type ParsedWords, UsageError } from '../parse-line.ts'
import {
  formatLimits,
  formatUsage,
  isQuotaPath,
  parseQuota,
  type Quota,
  quotaOwnerOf,
  quotaPathsOf,
  quotaWarnings,
  unlimited,
} from '../quota-text.ts'
import { type ShellCommand, type ShellContext, wordAt } from './shell-command.ts'
import { subtreeOf } from './subtree.ts'

/** The limit of each option, and its minimum. */
const limits = {
  n: { name: 'count', min: 1 },
  b: { name: 'bytes', min: 0 },
  N: { name: 'countHardLimit', min: 1 },
  B: { name: 'byteHardLimit', min: 0 },
} as const satisfies Readonly<Record<string, { name: keyof Quota; min: number }>>

export const setquota: ShellCommand = {
  name: 'setquota',
  usage: '-n|-b|-N|-B value path',
  about: 'limits a subtree: -n znodes, -b bytes of data (both only warn); -N and -B are enforced',
  options: { n: 'value', b: 'value', N: 'value', B: 'value' },
  words: { min: 1, max: 1 },
  async run(shell, words) {
    const wanted = wantedOf(words)
    const path = quotaPathOf(shell, words)
    if (path === '/') throw new UsageError('Cannot set a quota on /: give a znode below it')
    if (isQuotaPath(path))
      throw new UsageError('Cannot set a quota below /zookeeper/quota: quotas are not limited')
    const { zk } = shell
    if ((await zk.exists(path)) === undefined) throw new Error(`${path} does not exist.`)
    await refuseNested(zk, path)
    const at = quotaPathsOf(path)
    await makeParents(zk, at.node)
    const old = await quotaAt(zk, at.limits)
    const quota = { ...(old ?? unlimited), ...wanted }
    if (old === undefined) await zk.create(at.limits, formatLimits(quota))
    else await zk.setData(at.limits, formatLimits(quota))
    await makeIfAbsent(zk, at.stats, formatUsage({ count: 0, bytes: 0 }))
    const usage = (await quotaAt(zk, at.stats)) ?? unlimited
    for (const warning of quotaWarnings(quota, usage)) shell.print(warning)
  },
}

export const listquota: ShellCommand = {
  name: 'listquota',
  usage: 'path',
  about: 'prints the quota of a subtree and what is used of it',
  options: {},
  words: { min: 1, max: 1 },
  async run(shell, words) {
    const path = quotaPathOf(shell, words)
    const at = quotaPathsOf(path)
    const quota = await quotaAt(shell.zk, at.limits)
    if (quota === undefined) throw noQuota(path)
    const usage = (await quotaAt(shell.zk, at.stats)) ?? unlimited
    shell.print(`absolute path is ${at.limits}`)
    shell.print(`Output quota for ${path} ${formatLimits(quota)}`)
    shell.print(`Output stat for ${path} ${formatUsage(usage)}`)
  },
}

export const delquota: ShellCommand = {
  name: 'delquota',
  usage: '[-n|-b|-N|-B] path',
  about: 'removes limits of a subtree, or its whole quota',
  options: { n: 'flag', b: 'flag', N: 'flag', B: 'flag' },
  words: { min: 1, max: 1 },
  async run(shell, words) {
    const path = quotaPathOf(shell, words)
    const { zk } = shell
    const at = quotaPathsOf(path)
    const quota = await quotaAt(zk, at.limits)
    if (quota === undefined) throw noQuota(path)
    if (words.flags.size > 0) {
      const named = Object.entries(limits).filter(([letter]) => words.flags.has(letter))
      const gone = Object.fromEntries(named.map(([, { name }]) => [name, -1]))
      await zk.setData(at.limits, formatLimits({ ...quota, ...gone }))
      return
    }
    await deleteIfPossible(zk, at.limits)
    await deleteIfPossible(zk, at.stats)
    for (let node = at.node; isQuotaPath(parentOf(node)); node = parentOf(node)) {
      if (!(await deleteIfPossible(zk, node))) return
    }
  },
}

function noQuota(path: string): Error {
  return new Error(`quota for ${path} does not exist.`)
}

/** @throws UsageError also under a chroot: quotas are kept at the real root, which it hides */
function quotaPathOf(shell: ShellContext, words: ParsedWords): string {
  if (shell.chroot === '') return wordAt(words, 0)
  throw new UsageError(
    `Cannot reach quotas under the chroot ${shell.chroot}: connect without a chroot`,
  )
}

function wantedOf({ values }: ParsedWords): Partial<Quota> {
  if (values.size === 0) throw new UsageError('Cannot set a quota: a limit is missing')
  const wanted: Partial<Record<keyof Quota, number>> = {}
  for (const [letter, { name, min }] of Object.entries(limits)) {
    const text = values.get(letter)
    if (text === undefined) continue
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= min)) {
      throw new UsageError(`Cannot set quota -${letter} ${text}: it must be a number from ${min}`)
    }
    wanted[name] = value
  }
  return wanted
}

/** Nested quotas would be counted twice. */
async function refuseNested(zk: ZkClient, path: string): Promise<void> {
  for (let above = parentOf(path); above !== '/'; above = parentOf(above)) {
    if ((await zk.exists(quotaPathsOf(above).limits)) === undefined) continue
    throw new Error(`${path} has a parent ${above} which has a quota`)
  }
  const { node } = quotaPathsOf(path)
  if ((await zk.exists(node)) === undefined) return
  const owners = (await subtreeOf(zk, node)).map(quotaOwnerOf)
  const below = owners.find((owner) => owner !== undefined && owner !== path)
  if (below !== undefined) throw new Error(`${path} has a child ${below} which has a quota`)
}

async function makeParents(zk: ZkClient, node: string): Promise<void> {
  let at = '/'
  for (const name of node.slice(1).split('/')) {
    at = childPath(at, name)
    await makeIfAbsent(zk, at, null)
  }
}

async function makeIfAbsent(zk: ZkClient, path: string, data: string | null): Promise<void> {
  if ((await zk.exists(path)) !== undefined) return
  try {
    await zk.create(path, data)
  } catch (error) {
    if (!isCode(error, 'NODEEXISTS')) throw error
  }
}

async function quotaAt(zk: ZkClient, path: string): Promise<Quota | undefined> {
  try {
    const { data } = await zk.getData(path)
    return parseQuota(data?.toString() ?? '')
  } catch (error) {
    if (isCode(error, 'NONODE')) return undefined
    throw error
  }
}

/** @returns false if it has children */
async function deleteIfPossible(zk: ZkClient, path: string): Promise<boolean> {
  try {
    await zk.delete(path)
    return true
  } catch (error) {
    if (isCode(error, 'NONODE')) return true
    if (isCode(error, 'NOTEMPTY')) return false
    throw error
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof ZkError && error.code === code
}
