// offsetCommit, offsetFetch: the committed offsets of consumer groups, which any broker writes to
// and reads from ZooWeeper. Each partition has its own outcome.
//
// Next on the path: group/offset-store.ts.

import type { OffsetBounds } from '../../protocol/mq/error-codes.ts'
import { brokerErrorOf, failureOf, type Place } from '../../protocol/mq/messages.ts'
import {
  type CommittedVersion,
  type CommitVersion,
  noCommit,
  type OffsetCommitPartition,
  type OffsetCommitRequest,
  type OffsetCommitResponse,
} from '../../protocol/mq/offset-commit.ts'
import type {
  CommittedOffset,
  OffsetFetchRequest,
  OffsetFetchResponse,
} from '../../protocol/mq/offset-fetch.ts'
import { commitOffset, committedOffset } from '../group/offset-store.ts'
import { asBrokerError } from './answer.ts'
import type { BrokerParts } from './broker-parts.ts'
import { Deadline } from './deadline.ts'
import { boundsOf, isOffset, outOfRange } from './list-offsets.ts'
import { openSession } from './open-session.ts'
import { noPartition } from './pass-on.ts'
import { repeated, repeatedError } from './repeated.ts'

/** A commit beyond the log's end is refused: a consumer that starts from it could not read. */
export async function offsetCommit(
  parts: BrokerParts,
  { group, partitions, timeoutMs }: OffsetCommitRequest,
): Promise<OffsetCommitResponse> {
  const deadline = new Deadline(parts.clock, timeoutMs)
  const twice = repeated(partitions.map(nameOf))
  const outcomes = partitions.map(async (asked): Promise<CommittedVersion> => {
    const { topic, partition } = asked
    const what = `commit ${asked.offset} of group '${group}' for ${nameOf(asked)}`
    try {
      if (twice.has(nameOf(asked))) throw repeatedError(what)
      const version = await commit(parts, { group, asked, what, deadline })
      return { topic, partition, error: undefined, version }
    } catch (error) {
      return { topic, partition, error: failureOf(asBrokerError(error)), version: noCommit }
    }
  })
  return { type: 'offsetCommit', partitions: await Promise.all(outcomes) }
}

interface Commit {
  readonly group: string
  readonly asked: OffsetCommitPartition
  readonly what: string
  readonly deadline: Deadline
}

/** @throws BrokerError, ZkError */
async function commit(
  parts: BrokerParts,
  { group, asked, what, deadline }: Commit,
): Promise<CommitVersion> {
  const { topic, partition, offset } = asked
  checkPartition(parts, asked)
  if (!isOffset(offset) || !isKnownHere(parts, asked)) {
    const bounds = await boundsAt(parts, asked)
    if (!isOffset(offset) || offset > bounds.end) throw outOfRange(what, bounds)
  }
  const { zk } = openSession(parts, 'commit an offset')
  const place = { group, topic, partition }
  return commitOffset(zk, place, asked, () => deadline.check(what))
}

/** Whether this broker has a replica that has committed records up to the offset. */
function isKnownHere(
  { replicas }: BrokerParts,
  { topic, partition, offset }: OffsetCommitPartition,
): boolean {
  return offset <= (replicas.get(topic, partition)?.highWatermark ?? -1)
}

export async function offsetFetch(
  parts: BrokerParts,
  { group, partitions }: OffsetFetchRequest,
): Promise<OffsetFetchResponse> {
  const outcomes = partitions.map(async (place): Promise<CommittedOffset> => {
    const { topic, partition } = place
    try {
      const { offset, version } = await committed(parts, group, place)
      return { topic, partition, error: undefined, offset, version }
    } catch (error) {
      const failure = failureOf(asBrokerError(error))
      return { topic, partition, error: failure, offset: undefined, version: noCommit }
    }
  })
  return { type: 'offsetFetch', partitions: await Promise.all(outcomes) }
}

/** @throws BrokerError, ZkError */
async function committed(
  parts: BrokerParts,
  group: string,
  place: Place,
): Promise<Pick<CommittedOffset, 'offset' | 'version'>> {
  const { topic, partition } = place
  checkPartition(parts, place)
  const { zk } = openSession(parts, 'read an offset')
  const found = await committedOffset(zk, { group, topic, partition })
  switch (found.type) {
    case 'none':
      return { offset: undefined, version: noCommit }
    case 'offset':
      return found
    case 'unreadable': {
      const what = `continue where group '${group}' was in ${nameOf(place)}`
      const bounds = await boundsAt(parts, place)
      throw outOfRange(`${what}, as znode ${found.path} holds no offset`, bounds)
    }
  }
}

/** @throws BrokerError while no leader can answer */
function boundsAt(parts: BrokerParts, place: Place): Promise<OffsetBounds> {
  return new Promise((resolve, reject) => {
    boundsOf(parts, [place], ([listed]) => {
      if (listed?.error === undefined) {
        resolve({ start: listed?.earliest ?? 0, end: listed?.latest ?? 0 })
      } else reject(brokerErrorOf(listed.error))
    })
  })
}

/** @throws BrokerError */
function checkPartition({ image }: BrokerParts, place: Place): void {
  if (image.hasPartition(place.topic, place.partition)) return
  throw noPartition(image, 'look up', place)
}

function nameOf({ topic, partition }: Place): string {
  return `${topic}/${partition}`
}
