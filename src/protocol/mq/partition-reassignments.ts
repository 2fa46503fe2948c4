// alterPartitionReassignments: moves replicas of partitions to other brokers, or cancels such moves.
// listPartitionReassignments: the moves in progress.
//
// Next on the path: broker/api/reassign-partitions.ts.

import { listOf, natural, optional, record, type ValuesOf } from '../fields.ts'
import { brokerId, error, type Message, partition, place, topic } from './messages.ts'

const wantedReplicas = {
  topic,
  partition,
  /** the preferred leader first; undefined: those from before the reassignment that is in progress */
  replicas: optional(listOf(brokerId)),
}
export type WantedReplicas = ValuesOf<typeof wantedReplicas>

export const alterPartitionReassignmentsRequest = {
  /** how long to wait until replicas are as before; reassignments that are begun go on by themselves */
  timeoutMs: natural(),
  partitions: listOf(record(wantedReplicas)),
}
export type AlterPartitionReassignmentsRequest = Message<
  'alterPartitionReassignments',
  typeof alterPartitionReassignmentsRequest
>

const alteredReassignment = { topic, partition, error }
export type AlteredReassignment = ValuesOf<typeof alteredReassignment>

export const alterPartitionReassignmentsResponse = {
  partitions: listOf(record(alteredReassignment)),
}
export type AlterPartitionReassignmentsResponse = Message<
  'alterPartitionReassignments',
  typeof alterPartitionReassignmentsResponse
>

export const listPartitionReassignmentsRequest = {
  /** undefined: all partitions */
  partitions: optional(listOf(record(place))),
}
export type ListPartitionReassignmentsRequest = Message<
  'listPartitionReassignments',
  typeof listPartitionReassignmentsRequest
>

const reassignment = {
  topic,
  partition,
  /** all that there are meanwhile */
  replicas: listOf(brokerId),
  /** of these, those that it makes, and those that it will remove */
  adding: listOf(brokerId),
  removing: listOf(brokerId),
  /** of these, those that are in sync */
  isr: listOf(brokerId),
  /** as they were, the preferred leader first */
  original: listOf(brokerId),
}
export type Reassignment = ValuesOf<typeof reassignment>

export const listPartitionReassignmentsResponse = { partitions: listOf(record(reassignment)) }
export type ListPartitionReassignmentsResponse = Message<
  'listPartitionReassignments',
  typeof listPartitionReassignmentsResponse
>
