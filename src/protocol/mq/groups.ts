// The apis of consumer groups: how a member joins, gets its partitions and stays alive, and what tools
// ask. The group's coordinator answers; any other broker passes the request on to it (`passedOn`).
//
// Next on the path: broker/api/groups.ts.

import {
  boolean,
  buffer,
  int,
  listOf,
  natural,
  optional,
  record,
  text,
  type ValuesOf,
} from '../fields.ts'
import { brokerId, error, type Message, place } from './messages.ts'

const group = text()
/** of a static member */
const instanceId = optional(text())
/** a broker passed it on for a client; it is not passed on again */
const passedOn = boolean()
const copied = () => buffer({ copied: true })

/** A member of one generation. */
const claim = { memberId: text(), instanceId, generation: int() }

// --- members -------------------------------------------------------------------------------------

export const joinGroupRequest = {
  group,
  /** chosen by the client, at random, for as long as it is a member: so a join may be repeated */
  memberId: text(),
  instanceId,
  clientId: text(),
  /** of the client, when the request is passed on; empty before */
  clientHost: text(),
  sessionTimeoutMs: natural(),
  rebalanceTimeoutMs: natural(),
  /** assignors that the member can use, the preferred one first, with what it tells each */
  protocols: listOf(record({ name: text(), metadata: copied() })),
  passedOn,
}
export type JoinGroupRequest = Message<'joinGroup', typeof joinGroupRequest>

export const joinGroupResponse = {
  generation: int(),
  /** the assignor that all members use */
  protocol: text(),
  leader: text(),
  memberId: text(),
  /** the leader need not assign anything: the generation goes on */
  skipAssignment: boolean(),
  /** for the leader alone */
  members: listOf(record({ memberId: text(), instanceId, metadata: copied() })),
}
export type JoinGroupResponse = Message<'joinGroup', typeof joinGroupResponse>

export const syncGroupRequest = {
  group,
  memberId: text(),
  instanceId,
  generation: int(),
  protocol: text(),
  /** from the leader */
  assignments: listOf(record({ memberId: text(), assignment: copied() })),
  passedOn,
}
export type SyncGroupRequest = Message<'syncGroup', typeof syncGroupRequest>

export const syncGroupResponse = { assignment: copied() }
export type SyncGroupResponse = Message<'syncGroup', typeof syncGroupResponse>

export const heartbeatRequest = {
  group,
  memberId: text(),
  instanceId,
  generation: int(),
  passedOn,
}
export type HeartbeatRequest = Message<'heartbeat', typeof heartbeatRequest>

export const heartbeatResponse = {}
export type HeartbeatResponse = Message<'heartbeat', typeof heartbeatResponse>

export const leaveGroupRequest = { group, memberId: text(), instanceId, passedOn }
export type LeaveGroupRequest = Message<'leaveGroup', typeof leaveGroupRequest>

export const leaveGroupResponse = {}
export type LeaveGroupResponse = Message<'leaveGroup', typeof leaveGroupResponse>

export type GroupClaim = ValuesOf<typeof claim>

// --- tools ---------------------------------------------------------------------------------------

/** passedOn: only those that this broker coordinates */
export const listGroupsRequest = { passedOn }
export type ListGroupsRequest = Message<'listGroups', typeof listGroupsRequest>

const listedGroup = {
  group,
  /** Kafka's: Empty, PreparingRebalance, CompletingRebalance, Stable */
  state: text(),
  protocolType: text(),
  coordinator: brokerId,
}
export type GroupListing = ValuesOf<typeof listedGroup>

export const listGroupsResponse = { groups: listOf(record(listedGroup)) }
export type ListGroupsResponse = Message<'listGroups', typeof listGroupsResponse>

export const describeGroupRequest = { group, passedOn }
export type DescribeGroupRequest = Message<'describeGroup', typeof describeGroupRequest>

const groupMember = {
  memberId: text(),
  instanceId,
  clientId: text(),
  clientHost: text(),
  /** what it told the assignor, and what that assigned to it */
  metadata: copied(),
  assignment: copied(),
  /** the others wait for it */
  isAwaited: boolean(),
}
export type GroupMember = ValuesOf<typeof groupMember>

const describedGroup = {
  group,
  coordinator: brokerId,
  /** Dead: there is no such group */
  state: text(),
  protocolType: text(),
  protocol: text(),
  generation: int(),
  leader: text(),
  /** how long it has waited for members, and how much longer it will at most; nil: it does not */
  waiting: optional(record({ sinceMs: natural(), leftMs: natural() })),
  members: listOf(record(groupMember)),
}
export type DescribedGroup = ValuesOf<typeof describedGroup>

export const describeGroupResponse = { found: record(describedGroup) }
export type DescribeGroupResponse = Message<'describeGroup', typeof describeGroupResponse>

export const lastRebalanceRequest = { group, passedOn }
export type LastRebalanceRequest = Message<'lastRebalance', typeof lastRebalanceRequest>

/** nil: none since its coordinator has the group, or there is no such group */
export const lastRebalanceResponse = {
  found: optional(record({ reason: text(), agoMs: natural() })),
}
export type LastRebalanceResponse = Message<'lastRebalance', typeof lastRebalanceResponse>

/** It must have no members. */
export const deleteGroupRequest = { group, passedOn }
export type DeleteGroupRequest = Message<'deleteGroup', typeof deleteGroupRequest>

export const deleteGroupResponse = {}
export type DeleteGroupResponse = Message<'deleteGroup', typeof deleteGroupResponse>

export const deleteOffsetsRequest = { group, passedOn, partitions: listOf(record(place)) }
export type DeleteOffsetsRequest = Message<'deleteOffsets', typeof deleteOffsetsRequest>

const deletedOffset = { topic: place.topic, partition: place.partition, error }
export const deleteOffsetsResponse = { partitions: listOf(record(deletedOffset)) }
export type DeleteOffsetsResponse = Message<'deleteOffsets', typeof deleteOffsetsResponse>
