// Voters that are divided into groups and have weights, in ZooKeeper's format; zab/quorum.ts counts by
// them:
//
//   group.1=1:2:3          every participant is in one group
//   weight.1=2             1 by default; a participant of weight 0 does not vote
//
// Source: QuorumHierarchical in ZooKeeper.

import type { ServerId } from '../../protocol/records.ts'
import { isObserver, type QuorumServer } from '../../protocol/zk/quorum-server.ts'
import type { Electorate } from '../zab/quorum.ts'

export interface VoterGroups {
  /** both by ascending number */
  readonly groups: ReadonlyMap<number, readonly ServerId[]>
  /** of every participant */
  readonly weights: ReadonlyMap<number, number>
}

/** Keys and values as they are written. */
export interface GroupLines {
  readonly groups: ReadonlyMap<number, string>
  readonly weights: ReadonlyMap<number, string>
}

export interface GroupProblem {
  /** the line at fault */
  readonly key: 'group' | 'weight'
  readonly number: number
  readonly why: string
}

export type GroupsOrProblem =
  | { readonly type: 'groups'; readonly groups: VoterGroups | undefined }
  | { readonly type: 'problem'; readonly problem: GroupProblem }

/** So that the sum of all weights is exact. */
const weightMax = 2 ** 31 - 1

/** @returns no groups if there are no such lines, or only weights of 1 */
export function readGroups(
  servers: readonly QuorumServer[],
  { groups: groupTexts, weights: weightTexts }: GroupLines,
): GroupsOrProblem {
  const participants = servers.filter((server) => !isObserver(server)).map(({ id }) => id)
  const weights = new Map<number, number>()
  for (const [number, text] of ascending(weightTexts)) {
    const weight = Number(text.trim())
    if (!/^\d+$/.test(text.trim()) || weight > weightMax) {
      return problem('weight', number, `it must be a number from 0 to ${weightMax}`)
    }
    weights.set(number, weight)
  }
  const [first] = ascending(groupTexts)
  if (first === undefined) {
    const heavy = [...weights].find(([, weight]) => weight !== 1)
    if (heavy === undefined) return { type: 'groups', groups: undefined }
    return problem('weight', heavy[0], 'a weight needs groups: put every participant in a group.N')
  }
  const groups = new Map<number, readonly ServerId[]>()
  const groupOf = new Map<ServerId, number>()
  for (const [number, text] of ascending(groupTexts)) {
    const words = text.split(':').map((word) => word.trim())
    if (!words.every((word) => /^\d+$/.test(word))) {
      return problem('group', number, 'it must be ids of servers with a colon between them')
    }
    for (const id of words.map((word) => Number(word) as ServerId)) {
      if (!participants.includes(id)) {
        return problem('group', number, `there is no participant server.${id}`)
      }
      const other = groupOf.get(id)
      if (other !== undefined) return problem('group', number, `server.${id} is in group.${other}`)
      groupOf.set(id, number)
    }
    groups.set(
      number,
      participants.filter((id) => groupOf.get(id) === number),
    )
  }
  const missing = participants.find((id) => !groupOf.has(id))
  if (missing !== undefined) {
    return problem('group', first[0], `server.${missing} is in no group, as every participant must`)
  }
  const all = new Map(participants.map((id) => [id, weights.get(id) ?? 1]))
  if (![...all.values()].some((weight) => weight > 0)) {
    return problem('group', first[0], 'every participant has weight 0, so that none votes')
  }
  return { type: 'groups', groups: { groups, weights: all } }
}

function problem(key: GroupProblem['key'], number: number, why: string): GroupsOrProblem {
  return { type: 'problem', problem: { key, number, why } }
}

function ascending(lines: ReadonlyMap<number, string>): readonly (readonly [number, string])[] {
  return [...lines].sort(([a], [b]) => a - b)
}

/** A group without weight is not counted. */
export function electorateOf({ groups, weights }: VoterGroups): Electorate {
  return [...groups.values()]
    .map((ids) =>
      ids
        .map((voter) => ({ voter, weight: weights.get(voter) ?? 1 }))
        .filter(({ weight }) => weight > 0),
    )
    .filter((ballots) => ballots.length > 0)
}

export function groupsText({ groups, weights }: VoterGroups): string {
  const lines = [
    ...[...groups].map(([number, ids]) => `group.${number}=${ids.join(':')}`),
    ...[...weights].map(([id, weight]) => `weight.${id}=${weight}`),
  ]
  return lines.join('\n')
}
