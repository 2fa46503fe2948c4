// electLeaders: makes the preferred replica of each partition its leader, the first of its
// assignment, if that is in sync.
//
// Next on the path: broker/api/elect-leaders.ts.

import { listOf, optional, record, type ValuesOf } from '../fields.ts'
import { error, type Message, partition, place, topic } from './messages.ts'

export const electLeadersRequest = {
  /** undefined: all partitions; those that need no election are left out of the answer */
  partitions: optional(listOf(record(place))),
}
export type ElectLeadersRequest = Message<'electLeaders', typeof electLeadersRequest>

const electedLeader = { topic, partition, error }
export type ElectedLeader = ValuesOf<typeof electedLeader>

export const electLeadersResponse = { partitions: listOf(record(electedLeader)) }
export type ElectLeadersResponse = Message<'electLeaders', typeof electLeadersResponse>
