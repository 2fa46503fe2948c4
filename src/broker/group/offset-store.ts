// Committed offsets of consumer groups, in /consumers/GROUP/offsets/TOPIC/PARTITION
// (commit-text.ts), as the native protocol commits and reads them.
//
// Each commit names its predecessor, by the version of the znode. So a commit that was delayed, for
// instance in a suspended broker, and arrives after later ones has no effect.

import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { type CommitVersion, noCommit } from '../../protocol/mq/offset-commit.ts'
import type { Offset } from '../../protocol/mq/record-batch.ts'
import type { ZkAccess } from '../cluster/zk-access.ts'
import { zkPaths } from '../cluster/zk-paths.ts'
import { decodeCommit } from './commit-text.ts'
import { createWithParents, hasCode } from './znodes.ts'

interface CommitPlace {
  readonly group: string
  readonly topic: string
  readonly partition: number
}

type Committed =
  | { readonly type: 'none' }
  | { readonly type: 'offset'; readonly offset: Offset; readonly version: CommitVersion }
  /** the znode exists but holds no offset */
  | { readonly type: 'unreadable'; readonly path: string; readonly version: CommitVersion }

/** @throws BrokerError INVALID_GROUP_ID, ZkError */
export async function committedOffset(zk: ZkAccess, place: CommitPlace): Promise<Committed> {
  const path = pathOf(place)
  try {
    const { data, stat } = await zk.getData(path)
    const [value, version] = [decodeCommit(data), stat.version]
    return value === undefined
      ? { type: 'unreadable', path, version }
      : { type: 'offset', offset: value.offset, version }
  } catch (error) {
    if (hasCode(error, 'NONODE')) return { type: 'none' }
    throw error
  }
}

/**
 * @param commit.version version of the commit that this one follows; `noCommit` also replaces
 *   unreadable data
 * @param checkTime called before each write; it throws when the commit's deadline has passed
 * @returns the version of this commit
 * @throws BrokerError INVALID_GROUP_ID; INVALID_UPDATE_VERSION if another commit came before;
 *   ZkError
 */
export async function commitOffset(
  zk: ZkAccess,
  place: CommitPlace,
  commit: { readonly offset: Offset; readonly version: CommitVersion },
  checkTime: () => void,
): Promise<CommitVersion> {
  const path = pathOf(place)
  const data = String(commit.offset)
  checkTime()
  try {
    if (commit.version !== noCommit) return (await zk.setData(path, data, commit.version)).version
    await createWithParents(zk, path, data)
    return 0
  } catch (error) {
    if (!hasCode(error, 'BADVERSION', 'NODEEXISTS', 'NONODE')) throw error
  }
  const found = await committedOffset(zk, place)
  if (commit.version === noCommit && found.type === 'unreadable') {
    return commitOffset(zk, place, { ...commit, version: found.version }, checkTime)
  }
  const now = found.type === 'offset' ? `${found.offset}` : 'nothing'
  const { group, topic, partition } = place
  const message = `Cannot commit ${data} of group '${group}' for ${topic}/${partition}`
  throw new BrokerError(
    'INVALID_UPDATE_VERSION',
    `${message}: another commit came before it, and the committed offset is ${now} now`,
  )
}

function pathOf({ group, topic, partition }: CommitPlace): string {
  if (!/^[\w.-]{1,249}$/.test(group) || group === '.' || group === '..') {
    const allowed = 'letters, digits, dot, underscore and dash are allowed'
    throw new BrokerError('INVALID_GROUP_ID', `Cannot use group '${group}': ${allowed}`)
  }
  return zkPaths.groupOffset(group, topic, partition)
}
