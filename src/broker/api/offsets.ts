// offsetCommit, offsetFetch: the committed offsets of consumer groups. The group's coordinator answers;
// any other broker passes the request on to it. Each partition has its own outcome.
//
// Next on the path: group/group-coordinator.ts.

import { limits } from '../../limits.ts'
import type { OffsetBounds } from '../../protocol/mq/error-codes.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { brokerErrorOf, failureOf, type Place } from '../../protocol/mq/messages.ts'
import {
  type CommittedVersion,
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
import type { CommitPartition } from '../group/led-group.ts'
import { asBrokerError } from './answer.ts'
import type { BrokerParts } from './broker-parts.ts'
import { Deadline } from './deadline.ts'
import { boundsOf, isOffset, outOfRange } from './list-offsets.ts'
import { noPartition, slackMs } from './pass-on.ts'
import { coordinatorFor } from './pass-on-group.ts'
import { repeated, repeatedError } from './repeated.ts'

/** An offset fetch that is passed on is answered at once, or its broker is gone. */
const fetchMs = 3000
const [noEpoch, noExpiry] = [-1, -1]

/**
 * A commit beyond the log's end is refused: a consumer that starts from it could not read.
 *
 * @throws BrokerError, ZkError if there is no coordinator to ask
 */
export async function offsetCommit(
  parts: BrokerParts,
  request: OffsetCommitRequest,
): Promise<OffsetCommitResponse> {
  const { group, partitions, timeoutMs, passedOn } = request
  const deadline = new Deadline(parts.clock, timeoutMs)
  const coordinator = await coordinatorFor(parts, group, passedOn)
  if (coordinator !== parts.self) {
    // biome-ignore lint/plugin/noObjectSpread: once for all partitions, beside a round trip.
    return parts.links.call(coordinator, { ...request, passedOn: true }, timeoutMs + slackMs)
  }
  const twice = repeated(partitions.map(nameOf))
  const problems = await Promise.all(
    partitions.map((asked) => problemOf(parts, { group, asked, twice, deadline })),
  )
  const accepted = partitions.filter((_, i) => problems[i] === undefined)
  const claim = {
    generation: request.generation,
    memberId: request.memberId,
    instanceId: request.instanceId ?? null,
  }
  const made = accepted.length === 0 ? [] : await commit(parts, group, claim, accepted)
  let next = 0
  const outcomes = partitions.map((asked, i): CommittedVersion => {
    const problem = problems[i] ?? made[next]?.error
    const version = problems[i] === undefined ? (made[next++]?.version ?? noCommit) : noCommit
    const { topic, partition } = asked
    const error = problem && failureOf(problem)
    return { topic, partition, error, version: error === undefined ? version : noCommit }
  })
  return { type: 'offsetCommit', partitions: outcomes }
}

interface Judged {
  readonly group: string
  readonly asked: OffsetCommitPartition
  readonly twice: ReadonlySet<string>
  readonly deadline: Deadline
}

/** Why an offset is not committed, as far as it needs no look at the group. */
async function problemOf(
  parts: BrokerParts,
  { group, asked, twice, deadline }: Judged,
): Promise<BrokerError | undefined> {
  const what = whatIs(group, asked)
  try {
    if (twice.has(nameOf(asked))) throw repeatedError(what)
    checkPartition(parts, asked)
    const { offset } = asked
    if (!isOffset(offset) || !isKnownHere(parts, asked)) {
      const bounds = await boundsAt(parts, asked)
      if (!isOffset(offset) || offset > bounds.end) throw outOfRange(what, bounds)
    }
    if ((asked.metadata ?? '').length > limits.commitMetadataLengthMax) {
      throw new BrokerError('OFFSET_METADATA_TOO_LARGE', `Cannot ${what}: its metadata is too long`)
    }
    deadline.check(what)
    return undefined
  } catch (error) {
    return asBrokerError(error)
  }
}

async function commit(
  { groups }: BrokerParts,
  group: string,
  claim: Parameters<typeof groups.commit>[1],
  accepted: readonly OffsetCommitPartition[],
): Promise<readonly { readonly error: BrokerError | undefined; readonly version: number }[]> {
  const commits = accepted.map((one): CommitPartition => {
    const { topic, partition, offset, version: follows, metadata = '' } = one
    const [leaderEpoch, expireTimestampMs] = [noEpoch, noExpiry]
    return { topic, partition, offset, leaderEpoch, metadata, expireTimestampMs, follows }
  })
  const outcomes = await groups.commit(group, claim, commits)
  return outcomes.map(({ error, version }, i) => {
    const asked = accepted[i]
    if (error === 'NONE' || asked === undefined) return { error: undefined, version }
    return {
      error: new BrokerError(error, `Cannot ${whatIs(group, asked)}: ${whyNot(error)}`),
      version,
    }
  })
}

function whyNot(code: BrokerError['code']): string {
  switch (code) {
    case 'INVALID_UPDATE_VERSION':
      return 'another commit came before it'
    case 'ILLEGAL_GENERATION':
      return 'the group is in another generation'
    case 'UNKNOWN_MEMBER_ID':
      return 'the group has no such member, or has members while the request comes from none'
    case 'REBALANCE_IN_PROGRESS':
      return 'the members have to learn their partitions first'
    default:
      return code
  }
}

/** Whether this broker has a replica that has committed records up to the offset. */
function isKnownHere(
  { replicas }: BrokerParts,
  { topic, partition, offset }: OffsetCommitPartition,
): boolean {
  return offset <= (replicas.get(topic, partition)?.highWatermark ?? -1)
}

/** @throws BrokerError, ZkError if there is no coordinator to ask */
export async function offsetFetch(
  parts: BrokerParts,
  request: OffsetFetchRequest,
): Promise<OffsetFetchResponse> {
  const { group, passedOn } = request
  const coordinator = await coordinatorFor(parts, group, passedOn)
  if (coordinator !== parts.self) {
    // biome-ignore lint/plugin/noObjectSpread: once for all partitions, beside a round trip.
    return parts.links.call(coordinator, { ...request, passedOn: true }, fetchMs)
  }
  const places = request.partitions ?? parts.groups.allCommitted(group).map(([place]) => place)
  const partitions = places.map((place): CommittedOffset => {
    const { topic, partition } = place
    try {
      checkPartition(parts, place)
      const { offset, version } = committed(parts, group, place)
      return { topic, partition, error: undefined, offset, version }
    } catch (error) {
      const failure = failureOf(asBrokerError(error))
      return { topic, partition, error: failure, offset: undefined, version: noCommit }
    }
  })
  return { type: 'offsetFetch', partitions }
}

/** @throws BrokerError UNSTABLE_OFFSET_COMMIT while another one may follow at any moment, … */
function committed(
  { groups }: BrokerParts,
  group: string,
  place: Place,
): Pick<CommittedOffset, 'offset' | 'version'> {
  if (groups.isCommitting(group, place)) {
    const message = `Cannot read what group '${group}' committed for ${nameOf(place)}`
    throw new BrokerError('UNSTABLE_OFFSET_COMMIT', `${message}: a commit is under way`)
  }
  const found = groups.committed(group, place)
  // Of a Kafka client, which means none by a negative offset.
  const offset = found !== undefined && isOffset(found.offset) ? found.offset : undefined
  return { offset, version: found?.version ?? noCommit }
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

function whatIs(group: string, asked: OffsetCommitPartition): string {
  return `commit ${asked.offset} of group '${group}' for ${nameOf(asked)}`
}

function nameOf({ topic, partition }: Place): string {
  return `${topic}/${partition}`
}
