// The apis of consumer groups in the native protocol, over the same coordinator as Kafka's. A request
// that reaches another broker is passed on, and so may be repeated at any: a member chooses its own id.
//
// Next on the path: group/group-coordinator.ts.

import { consumerProtocolType } from '../../protocol/kafka/consumer-protocol.ts'
import type { ResponseOf } from '../../protocol/mq/apis.ts'
import { BrokerError, type MqErrorCode } from '../../protocol/mq/error-codes.ts'
import type {
  DeleteGroupRequest,
  DeleteGroupResponse,
  DeleteOffsetsRequest,
  DeleteOffsetsResponse,
  DescribeGroupRequest,
  DescribeGroupResponse,
  GroupListing,
  HeartbeatRequest,
  HeartbeatResponse,
  JoinGroupRequest,
  JoinGroupResponse,
  LastRebalanceRequest,
  LastRebalanceResponse,
  LeaveGroupRequest,
  LeaveGroupResponse,
  ListGroupsRequest,
  ListGroupsResponse,
  SyncGroupRequest,
  SyncGroupResponse,
} from '../../protocol/mq/groups.ts'
import { failureOf } from '../../protocol/mq/messages.ts'
import type { Requester } from './answer.ts'
import type { BrokerParts } from './broker-parts.ts'
import { slackMs } from './pass-on.ts'
import { coordinatorFor } from './pass-on-group.ts'

/** Requests that are answered at once, unless records have to be written first. */
const answerMs = 10_000

type GroupRequest =
  | JoinGroupRequest
  | SyncGroupRequest
  | HeartbeatRequest
  | LeaveGroupRequest
  | DescribeGroupRequest
  | LastRebalanceRequest
  | DeleteGroupRequest
  | DeleteOffsetsRequest

/**
 * Answers a request at the coordinator.
 *
 * @throws BrokerError, ZkError
 */
async function atCoordinator<R extends GroupRequest>(
  parts: BrokerParts,
  request: R,
  answer: () => Promise<ResponseOf<R['type']>> | ResponseOf<R['type']>,
  timeoutMs = answerMs,
): Promise<ResponseOf<R['type']>> {
  const { group, passedOn } = request
  const coordinator = await coordinatorFor(parts, group, passedOn)
  if (coordinator === parts.self) return answer()
  // biome-ignore lint/plugin/noObjectSpread: once per request, beside a round trip.
  return parts.links.call(coordinator, { ...request, passedOn: true }, timeoutMs)
}

// --- members -------------------------------------------------------------------------------------

export function joinGroup(
  parts: BrokerParts,
  requester: Requester,
  given: JoinGroupRequest,
): Promise<JoinGroupResponse> {
  const clientHost = given.passedOn ? given.clientHost : (requester.host ?? '')
  // biome-ignore lint/plugin/noObjectSpread: once per rebalance of a member.
  const request = { ...given, clientHost }
  const waitMs = request.rebalanceTimeoutMs + request.sessionTimeoutMs + slackMs
  return atCoordinator(parts, request, () => join(parts, request), waitMs)
}

function join({ groups }: BrokerParts, request: JoinGroupRequest): Promise<JoinGroupResponse> {
  const { group, memberId, instanceId = null, clientId, clientHost, protocols } = request
  const { sessionTimeoutMs, rebalanceTimeoutMs } = request
  return new Promise((resolve, reject) => {
    const isKnown = groups.isMember(group, memberId)
    const joining = {
      memberId: isKnown ? memberId : '',
      newMemberId: memberId,
      mustKnowId: false,
      maySkipAssignment: true,
      instanceId,
      clientId,
      clientHost,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      protocolType: consumerProtocolType,
      protocols,
    }
    groups.join(group, joining, (answer) => {
      if (answer.error !== 'NONE') {
        reject(refused(answer.error, `join group '${group}'`))
        return
      }
      const { generation, protocol, leader, skipAssignment, members } = answer
      resolve({
        type: 'joinGroup',
        generation,
        protocol: protocol ?? '',
        leader,
        memberId: answer.memberId,
        skipAssignment,
        members: members.map((one) => ({
          memberId: one.memberId,
          instanceId: one.instanceId ?? undefined,
          metadata: Buffer.from(one.metadata),
        })),
      })
    })
  })
}

export function syncGroup(
  parts: BrokerParts,
  request: SyncGroupRequest,
): Promise<SyncGroupResponse> {
  const { group, memberId, instanceId = null, generation, protocol, assignments } = request
  return atCoordinator(parts, request, () => {
    return new Promise((resolve, reject) => {
      const syncing = {
        memberId,
        instanceId,
        generation,
        protocolType: consumerProtocolType,
        protocol,
        assignments: new Map(assignments.map((one) => [one.memberId, one.assignment])),
      }
      parts.groups.sync(group, syncing, ({ error, assignment }) => {
        if (error !== 'NONE') reject(refused(error, `sync with group '${group}'`))
        else resolve({ type: 'syncGroup', assignment: Buffer.from(assignment) })
      })
    })
  })
}

export function heartbeat(
  parts: BrokerParts,
  request: HeartbeatRequest,
): Promise<HeartbeatResponse> {
  const { group, memberId, instanceId = null, generation } = request
  return atCoordinator(parts, request, () => {
    const error = parts.groups.heartbeat(group, { memberId, instanceId, generation })
    if (error !== 'NONE') throw refused(error, `stay in group '${group}'`)
    return { type: 'heartbeat' }
  })
}

export function leaveGroup(
  parts: BrokerParts,
  request: LeaveGroupRequest,
): Promise<LeaveGroupResponse> {
  const { group, memberId, instanceId = null } = request
  return atCoordinator(parts, request, () => {
    const errors = parts.groups.leave(group, [{ memberId, instanceId }])
    const error = typeof errors === 'string' ? errors : (errors[0] ?? 'NONE')
    if (error !== 'NONE') throw refused(error, `leave group '${group}'`)
    return { type: 'leaveGroup' }
  })
}

// --- tools ---------------------------------------------------------------------------------------

/** Asks every broker for the groups that it coordinates. @throws BrokerError */
export async function listGroups(
  parts: BrokerParts,
  { passedOn }: ListGroupsRequest,
): Promise<ListGroupsResponse> {
  const { groups, image, links, self } = parts
  const own = groups.list().map(({ group, state, protocolType }): GroupListing => {
    return { group, state, protocolType, coordinator: self }
  })
  if (passedOn) return { type: 'listGroups', groups: own }
  const others = [...image.brokers.keys()].filter((id) => id !== self)
  const asked = others.map((id) => links.call(id, { type: 'listGroups', passedOn: true }, answerMs))
  const found = (await Promise.all(asked)).flatMap((answer) => answer.groups)
  const all = [...own, ...found].sort((a, b) => (a.group < b.group ? -1 : 1))
  return { type: 'listGroups', groups: all }
}

export function describeGroup(
  parts: BrokerParts,
  request: DescribeGroupRequest,
): Promise<DescribeGroupResponse> {
  const { group } = request
  const { groups, clock, self } = parts
  return atCoordinator(parts, request, () => {
    const { state, protocolType, protocol, generation, leader, waiting, members } =
      groups.describe(group)
    const nowMs = clock.nowMs()
    const since = (atMs: number) => Math.max(0, Math.round(atMs))
    return {
      type: 'describeGroup',
      found: {
        group,
        coordinator: self,
        state,
        protocolType,
        protocol,
        generation,
        leader,
        waiting: waiting && {
          sinceMs: since(nowMs - waiting.sinceMs),
          leftMs: since(waiting.untilMs - nowMs),
        },
        members: members.map((one) => ({
          memberId: one.memberId,
          instanceId: one.instanceId ?? undefined,
          clientId: one.clientId,
          clientHost: one.clientHost,
          metadata: Buffer.from(one.metadata),
          assignment: Buffer.from(one.assignment),
          isAwaited: one.isAwaited,
        })),
      },
    }
  })
}

/** Apart from the description, for brokers and clients that do not know it. */
export function lastRebalance(
  parts: BrokerParts,
  request: LastRebalanceRequest,
): Promise<LastRebalanceResponse> {
  const { groups, clock } = parts
  return atCoordinator(parts, request, () => {
    const last = groups.describe(request.group).lastRebalance
    const agoMs = Math.max(0, Math.round(clock.nowMs() - (last?.atMs ?? 0)))
    return { type: 'lastRebalance', found: last && { reason: last.reason, agoMs } }
  })
}

export function deleteGroup(
  parts: BrokerParts,
  request: DeleteGroupRequest,
): Promise<DeleteGroupResponse> {
  const { group } = request
  return atCoordinator(parts, request, async () => {
    const error = await parts.groups.remove(group)
    if (error !== 'NONE') throw refused(error, `delete group '${group}'`)
    return { type: 'deleteGroup' }
  })
}

export function deleteOffsets(
  parts: BrokerParts,
  request: DeleteOffsetsRequest,
): Promise<DeleteOffsetsResponse> {
  const { group, partitions } = request
  return atCoordinator(parts, request, async () => {
    const outcomes = await parts.groups.deleteOffsets(group, partitions)
    if (typeof outcomes === 'string') throw refused(outcomes, `delete offsets of group '${group}'`)
    return {
      type: 'deleteOffsets',
      partitions: partitions.map(({ topic, partition }, i) => {
        const code = outcomes[i] ?? 'NONE'
        const what = `delete what group '${group}' committed for ${topic}/${partition}`
        return {
          topic,
          partition,
          error: code === 'NONE' ? undefined : failureOf(refused(code, what)),
        }
      }),
    }
  })
}

function refused(code: MqErrorCode, what: string): BrokerError {
  return new BrokerError(code, `Cannot ${what}: ${reasons[code] ?? code}`)
}

const reasons: Partial<Record<MqErrorCode, string>> = {
  NOT_COORDINATOR: 'its coordinator has changed',
  COORDINATOR_NOT_AVAILABLE: 'its records could not be stored in time',
  COORDINATOR_LOAD_IN_PROGRESS: 'its coordinator has just been elected, and reads what is stored',
  ILLEGAL_GENERATION: 'the group is in another generation',
  UNKNOWN_MEMBER_ID: 'it has no such member',
  FENCED_INSTANCE_ID: 'another member has this instance id now',
  REBALANCE_IN_PROGRESS: 'it rebalances, and its members have to join again',
  NON_EMPTY_GROUP: 'it has members',
  GROUP_ID_NOT_FOUND: 'there is no such group',
  GROUP_SUBSCRIBED_TO_TOPIC: 'a member consumes this topic',
  INCONSISTENT_GROUP_PROTOCOL: 'its members use other assignors',
  INVALID_SESSION_TIMEOUT: 'the brokers allow no such session time-out',
  GROUP_MAX_SIZE_REACHED: 'it has too many members, or they subscribe to too much',
}
