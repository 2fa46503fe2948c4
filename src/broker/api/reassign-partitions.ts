// alterPartitionReassignments, listPartitionReassignments. Any broker begins and cancels
// reassignments: it writes the wanted replicas to the topic's znode, and in the same multi begins a new
// leader epoch of each partition that gets another replica. Each partition has its own outcome.
//
// Next on the path: the new replicas fetch, and controller/reassignment.ts removes the others.

import { ZkError } from '../../protocol/error-codes.ts'
import { BrokerError, type MqErrorCode } from '../../protocol/mq/error-codes.ts'
import { type BrokerId, failureOf } from '../../protocol/mq/messages.ts'
import type {
  AlteredReassignment,
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
  Reassignment,
  WantedReplicas,
} from '../../protocol/mq/partition-reassignments.ts'
import type { MultiOp } from '../../protocol/zk/messages.ts'
import type { ClusterImage, TopicImage } from '../cluster/cluster-image.ts'
import {
  changesOf,
  isGoingBack,
  reassigned,
  type TopicAssignment,
  targetOf,
} from '../cluster/topic-assignment.ts'
import { encodeState, encodeTopic, zkPaths } from '../cluster/zk-paths.ts'
import type { PartitionState } from '../partition/partition-state.ts'
import { asBrokerError } from './answer.ts'
import type { BrokerParts, ServingSession } from './broker-parts.ts'
import { epochInForce } from './controller-epoch.ts'
import { Deadline } from './deadline.ts'
import { openSession } from './open-session.ts'
import { noPartition } from './pass-on.ts'
import { repeated, repeatedError } from './repeated.ts'

/** Partitions whose states one multi writes. */
const begunAtOnce = 100
/** Interval at which it is checked whether a cancelled reassignment is undone. */
const undoneCheckMs = 10

/** @throws BrokerError, ZkError if nothing could be attempted */
export async function alterPartitionReassignments(
  parts: BrokerParts,
  { partitions, timeoutMs }: AlterPartitionReassignmentsRequest,
): Promise<AlterPartitionReassignmentsResponse> {
  const session = openSession(parts, 'reassign partitions')
  const deadline = new Deadline(parts.clock, timeoutMs)
  await session.readTopics(partitions.map(({ topic }) => topic))
  const twice = repeated(partitions.map(placeText))
  const errors = new Map<WantedReplicas, BrokerError>()
  const byTopic = new Map<string, WantedReplicas[]>()
  for (const wanted of partitions) {
    const what = placeText(wanted)
    if (twice.has(what)) errors.set(wanted, repeatedError(`reassign ${what}`))
    else byTopic.set(wanted.topic, [...(byTopic.get(wanted.topic) ?? []), wanted])
  }
  await Promise.all(
    [...byTopic.values()].map(async (ofTopic) => {
      for (let from = 0; from < ofTopic.length; from += begunAtOnce) {
        const some = ofTopic.slice(from, from + begunAtOnce)
        try {
          for (const [wanted, error] of await alter(parts, session, some)) errors.set(wanted, error)
        } catch (error) {
          for (const wanted of some) errors.set(wanted, asBrokerError(error))
        }
      }
    }),
  )
  const outcomes = partitions.map(async (wanted): Promise<AlteredReassignment> => {
    const { topic, partition, replicas } = wanted
    const refused = errors.get(wanted)
    const isCancelled = refused === undefined && replicas === undefined
    const late = isCancelled ? await whenUndone(parts, wanted, deadline) : undefined
    const error = refused ?? late
    return { topic, partition, error: error === undefined ? undefined : failureOf(error) }
  })
  return { type: 'alterPartitionReassignments', partitions: await Promise.all(outcomes) }
}

/**
 * @param some partitions of one topic
 * @returns the errors of those that were refused
 * @throws BrokerError, ZkError if all of them failed
 */
async function alter(
  { image, log }: BrokerParts,
  session: ServingSession,
  some: readonly WantedReplicas[],
): Promise<ReadonlyMap<WantedReplicas, BrokerError>> {
  for (;;) {
    const errors = new Map<WantedReplicas, BrokerError>()
    const [topic = ''] = some.map((wanted) => wanted.topic)
    const found = image.topics.get(topic)
    let assignment = found?.assignment
    const begun: { readonly partition: number; readonly state: PartitionState }[] = []
    for (const wanted of some) {
      const { partition } = wanted
      const target = targetWanted(image, assignment, wanted)
      if (target instanceof BrokerError) errors.set(wanted, target)
      else if (assignment !== undefined && target !== undefined) {
        const before = assignment.replicas[partition] ?? []
        assignment = reassigned(assignment, partition, target)
        const hasMore = target.some((id) => !before.includes(id))
        const state = image.state(topic, partition)
        if (!hasMore || state === undefined) continue
        // biome-ignore lint/plugin/noObjectSpread: partitions are reassigned rarely
        begun.push({ partition, state: { ...state, leaderEpoch: state.leaderEpoch + 1 } })
      }
    }
    if (found === undefined || assignment === undefined || assignment === found.assignment) {
      return errors
    }
    try {
      const { controllerEpoch, check } = await epochInForce(session)
      await session.zk.multi([
        check,
        {
          type: 'setData',
          path: zkPaths.topic(topic),
          data: Buffer.from(encodeTopic(assignment)),
          version: found.version,
        },
        ...begun.map(({ partition, state }): MultiOp => {
          // biome-ignore lint/plugin/noObjectSpread: partitions are reassigned rarely
          const data = Buffer.from(encodeState({ ...state, controllerEpoch }))
          const path = zkPaths.state(topic, partition)
          return { type: 'setData', path, data, version: state.version }
        }),
      ])
      image.setTopic(topic, assignment, found.version + 1)
      for (const { partition, state } of begun) {
        // biome-ignore lint/plugin/noObjectSpread: partitions are reassigned rarely
        image.setState(topic, partition, { ...state, controllerEpoch, version: state.version + 1 })
      }
      log.info({ topic, partitions: some }, 'Changed the reassignment of partitions')
      return errors
    } catch (error) {
      // Another client, the controller or a leader changed the topic or a state meanwhile.
      if (!(error instanceof ZkError) || !changedCodes.has(error.code)) throw error
      await session.readTopics([topic])
    }
  }
}

const changedCodes: ReadonlySet<string> = new Set(['BADVERSION', 'NONODE'])

/**
 * The replicas that a partition is to have.
 *
 * @returns undefined: these are wanted already
 */
function targetWanted(
  image: ClusterImage,
  assignment: TopicAssignment | undefined,
  wanted: WantedReplicas,
): readonly BrokerId[] | BrokerError | undefined {
  const { partition, replicas } = wanted
  const present = assignment?.replicas[partition]
  if (assignment === undefined || present === undefined) {
    return noPartition(image, 'reassign', wanted)
  }
  const move = assignment.moves?.get(partition)
  if (replicas === undefined && move === undefined) {
    return refusal(wanted, 'NO_REASSIGNMENT_IN_PROGRESS', 'it is not being reassigned')
  }
  const target = replicas ?? move?.original ?? []
  const live = [...image.brokers.keys()]
  const problem = replicas === undefined ? undefined : targetProblem(replicas, present, live)
  if (problem !== undefined) return refusal(wanted, 'INVALID_REPLICA_ASSIGNMENT', problem)
  const known = targetOf(assignment, partition)
  const isSame = target.length === known.length && target.every((id, i) => id === known[i])
  return isSame ? undefined : target
}

/** Why a partition cannot have these replicas; a present one may be away. */
export function targetProblem(
  target: readonly BrokerId[],
  present: readonly BrokerId[],
  live: readonly BrokerId[],
): string | undefined {
  if (target.length === 0) return 'the list of its replicas is empty'
  if (new Set(target).size < target.length) return `a broker is named twice: ${target.join(', ')}`
  const away = target.find((id) => !present.includes(id) && !live.includes(id))
  if (away === undefined) return undefined
  const alive = [...live].sort((a, b) => a - b).join(', ')
  return `broker ${away} is not alive, and a new replica needs one of ${alive}`
}

/** @returns an error: it takes longer than the request may wait */
async function whenUndone(
  { image, clock }: BrokerParts,
  wanted: WantedReplicas,
  deadline: Deadline,
): Promise<BrokerError | undefined> {
  for (;;) {
    const move = image.topics.get(wanted.topic)?.assignment.moves?.get(wanted.partition)
    if (move === undefined || !isGoingBack(move)) return undefined
    if (deadline.isOver) {
      const found =
        'the original replicas cannot do without the others yet, and wait for more of theirs'
      return refusal(wanted, 'REQUEST_TIMED_OUT', found)
    }
    await new Promise<void>((resolve) => clock.after(undoneCheckMs, resolve))
  }
}

export async function listPartitionReassignments(
  parts: BrokerParts,
  { partitions }: ListPartitionReassignmentsRequest,
): Promise<ListPartitionReassignmentsResponse> {
  const { image } = parts
  const { zk } = openSession(parts, 'list reassignments')
  // The first sync brings the events of all earlier writes, the second one what was read upon them.
  await zk.sync(zkPaths.topics)
  await zk.sync(zkPaths.topics)
  const all = [...image.topics.values()].flatMap((found) => reassignmentsOf(image, found))
  const wanted = partitions === undefined ? undefined : new Set(partitions.map(placeText))
  return {
    type: 'listPartitionReassignments',
    partitions: all.filter((one) => wanted === undefined || wanted.has(placeText(one))),
  }
}

function reassignmentsOf(image: ClusterImage, found: TopicImage): readonly Reassignment[] {
  const { topic, assignment } = found
  return [...(assignment.moves ?? [])].map(([partition, move]) => {
    const replicas = assignment.replicas[partition] ?? []
    const { adding, removing } = changesOf(move, replicas)
    const isr = image.state(topic, partition)?.isr.map(({ broker }) => broker) ?? []
    return { topic, partition, replicas, adding, removing, isr, original: move.original }
  })
}

function placeText({ topic, partition }: Pick<WantedReplicas, 'topic' | 'partition'>): string {
  return `${topic}/${partition}`
}

function refusal(wanted: WantedReplicas, code: MqErrorCode, found: string): BrokerError {
  return new BrokerError(code, `Cannot reassign ${placeText(wanted)}: ${found}`)
}
