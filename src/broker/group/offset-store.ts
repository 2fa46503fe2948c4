// Committed offsets of consumer groups, in /consumers/GROUP/offsets/TOPIC/PARTITION as plain numbers;
// the last one wins.

import type { ZkClient } from '../../client/zk-client.ts'
import { ZkError } from '../../protocol/error-codes.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { Offset } from '../../protocol/mq/record-batch.ts'
import { parentOf } from '../../protocol/path.ts'
import { decodeNumber, zkPaths } from '../controller/zk-paths.ts'

export interface CommitPlace {
  readonly group: string
  readonly topic: string
  readonly partition: number
}

/** @throws BrokerError INVALID_GROUP_ID, ZkError */
export async function commitOffset(
  zk: ZkClient,
  place: CommitPlace,
  offset: Offset,
): Promise<void> {
  const path = pathOf(place)
  const data = String(offset)
  for (;;) {
    try {
      await zk.setData(path, data)
      return
    } catch (error) {
      if (!hasCode(error, 'NONODE')) throw error
    }
    await createWithParents(zk, path, data)
  }
}

/** @returns undefined if the group committed nothing here. @throws as `commitOffset` */
export async function committedOffset(
  zk: ZkClient,
  place: CommitPlace,
): Promise<Offset | undefined> {
  try {
    return decodeNumber((await zk.getData(pathOf(place))).data)
  } catch (error) {
    if (hasCode(error, 'NONODE')) return undefined
    throw error
  }
}

function pathOf({ group, topic, partition }: CommitPlace): string {
  if (!/^[\w.-]{1,249}$/.test(group) || group === '.' || group === '..') {
    const allowed = 'letters, digits, dot, underscore and dash are allowed'
    throw new BrokerError('INVALID_GROUP_ID', `Cannot use group '${group}': ${allowed}`)
  }
  return zkPaths.groupOffset(group, topic, partition)
}

async function createWithParents(zk: ZkClient, path: string, data: string | null): Promise<void> {
  try {
    await zk.create(path, data)
  } catch (error) {
    if (hasCode(error, 'NODEEXISTS')) return
    if (!hasCode(error, 'NONODE')) throw error
    await createWithParents(zk, parentOf(path), null)
    await createWithParents(zk, path, data)
  }
}

function hasCode(error: unknown, code: ZkError['code']): boolean {
  return error instanceof ZkError && error.code === code
}
