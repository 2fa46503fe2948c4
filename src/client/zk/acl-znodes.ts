// Changes the rules of access in ZooWeeper (protocol/mq/acls.ts), one znode at a time, conditional on what
// was read. For brokers and for `zw acls`, whose sessions know the secret of the cluster.

import { ZkError } from '../../protocol/error-codes.ts'
import {
  type AclEntry,
  type AclPattern,
  type AclRule,
  aclParents,
  aclPath,
  decodeEntries,
  encodeEntries,
  patternOf,
  sameEntry,
} from '../../protocol/mq/acls.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { ZkClient } from './zk-client.ts'

type Zk = Pick<ZkClient, 'create' | 'delete' | 'getData' | 'setData'>

/** A znode has so many rules at most, as in Kafka. */
const entriesMax = 1000

/** @throws ZkError NONODE: no broker has made the parents yet; BrokerError if nothing may be changed */
export function addEntry(zk: Zk, pattern: AclPattern, entry: AclEntry): Promise<void> {
  return change(zk, pattern, (entries) => {
    if (entries.some((one) => sameEntry(one, entry))) return entries
    if (entries.length < entriesMax) return [...entries, entry]
    const found = `it has ${entriesMax}, and more are not allowed`
    throw new BrokerError('INVALID_REQUEST', `Cannot add a rule to ${aclPath(pattern)}: ${found}`)
  })
}

/** @throws as `addEntry` */
export function removeEntry(zk: Zk, pattern: AclPattern, entry: AclEntry): Promise<void> {
  return change(zk, pattern, (entries) => entries.filter((one) => !sameEntry(one, entry)))
}

async function change(
  zk: Zk,
  pattern: AclPattern,
  changed: (entries: readonly AclEntry[]) => readonly AclEntry[],
): Promise<void> {
  const path = aclPath(pattern)
  for (;;) {
    const found = await read(zk, path)
    const before = found?.entries ?? []
    const after = changed(before)
    if (after === before || (found === undefined && after.length === 0)) return
    try {
      if (found === undefined) await zk.create(path, encodeEntries(after))
      else if (after.length === 0) await zk.delete(path, found.version)
      else await zk.setData(path, encodeEntries(after), found.version)
      return
    } catch (error) {
      const code = error instanceof ZkError ? error.code : undefined
      // It has changed meanwhile, or the outcome is unknown: the next attempt finds what there is.
      const isToTryAgain =
        code === 'BADVERSION' || code === 'NODEEXISTS' || code === 'CONNECTIONLOSS'
      const isGone = code === 'NONODE' && found !== undefined
      if (!isToTryAgain && !isGone) throw error
    }
  }
}

async function read(
  zk: Zk,
  path: string,
): Promise<{ readonly entries: readonly AclEntry[]; readonly version: number } | undefined> {
  try {
    const { data, stat } = await zk.getData(path)
    const entries = decodeEntries(data)
    if (entries !== undefined) return { entries, version: stat.version }
    const found = 'it holds no rules that can be read: repair or delete it in zw shell'
    throw new BrokerError('UNKNOWN_SERVER_ERROR', `Cannot change ${path}: ${found}`)
  } catch (error) {
    if (error instanceof ZkError && error.code === 'NONODE') return undefined
    throw error
  }
}

/** All rules, by pattern. Those that cannot be read are left out. @throws ZkError */
export async function readRules(
  zk: Pick<ZkClient, 'getChildren' | 'getData'>,
): Promise<readonly AclRule[]> {
  const rules: AclRule[] = []
  for (const parent of aclParents) {
    const { children } = await zk.getChildren(parent)
    for (const name of children.sort()) {
      const pattern = patternOf(`${parent}/${name}`)
      if (pattern === undefined) continue
      const { data } = await zk.getData(`${parent}/${name}`)
      // biome-ignore lint/plugin/noObjectSpread: for administrators
      for (const entry of decodeEntries(data) ?? []) rules.push({ ...pattern, ...entry })
    }
  }
  return rules
}
