// Configurations as records of a simulated log, and what a log says of them: the judge reads it by
// itself, not through the core.
//
//   config 1,4,5         the voters to be; a majority of these and of those before
//   config 1*2,4/2,3/5   the same in three groups: of two groups, more than half of the weight
//   activate             a majority, or that of the groups, of these alone

import type {
  ConfigurationChange,
  ConfigurationState,
} from '../../../src/daemon/zab/configuration.ts'
import type { Electorate } from '../../../src/daemon/zab/quorum.ts'
import type { LoggedChange } from '../../../src/daemon/zab/types.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import { type Zxid, zxidZero } from '../../../src/protocol/zxid.ts'
import type { LogRecord } from './records.ts'

export const activation = 'activate'

/** @param shuffled decides by its order whether and how the voters are divided */
export function configRecord(shuffled: readonly ServerId[]): string {
  const voters = [...shuffled].sort((a, b) => a - b)
  if (voters.length < 3 || shuffled[0] !== voters[0]) return `config ${voters.join()}`
  const [first, second, third, ...others] = shuffled
  return `config ${[`${first}*2,${second}`, third, others.join()].filter(Boolean).join('/')}`
}

/** For the core: undefined if a majority decides. */
export function electorateIn(text: string): Electorate | undefined {
  if (!text.includes('/')) return undefined
  return votersOf(text).map((group) => group.map(({ id, weight }) => ({ voter: id, weight })))
}

function votersOf(text: string): Voters {
  return text.split('/').map((group) =>
    group.split(',').map((word) => {
      const [id, weight = 1] = word.split('*').map(Number)
      return { id: id as ServerId, weight }
    }),
  )
}

export function changeIn(payload: string): ConfigurationChange | undefined {
  if (payload === activation) return { type: 'activate' }
  if (!payload.startsWith('config ')) return undefined
  const text = payload.slice('config '.length)
  return { type: 'propose', voters: idsOf([votersOf(text)]), text }
}

export function changesIn(log: readonly LogRecord[], after: Zxid): LoggedChange[] {
  return log.flatMap(({ zxid, payload }) => {
    const change = zxid > after ? changeIn(payload) : undefined
    return change === undefined ? [] : [{ zxid, change }]
  })
}

/** What the records up to `upTo` say; undefined if they say nothing. */
export function stateIn(
  log: readonly LogRecord[],
  upTo: Zxid,
  seed: readonly ServerId[],
): ConfigurationState | undefined {
  let state: ConfigurationState | undefined
  for (const { zxid, change } of changesIn(log, zxidZero)) {
    if (zxid > upTo) break
    const before = state?.last ?? { version: zxidZero, voters: seed, text: '' }
    if (change.type === 'activate') state = { last: before, before: undefined }
    else state = { last: { version: zxid, voters: change.voters, text: change.text }, before }
  }
  return state
}

/** In their groups. */
type Voters = readonly (readonly { readonly id: ServerId; readonly weight: number }[])[]

/** The voters of one configuration, or of two while one replaces the other: both have to agree. */
export type Electors = readonly Voters[]

export function electorsIn(
  log: readonly LogRecord[],
  upTo: Zxid,
  seed: readonly ServerId[],
): Electors {
  const { last, before } = stateIn(log, upTo, seed) ?? {}
  if (last === undefined) return [equals(seed)]
  const texts = before === undefined ? [last.text] : [before.text, last.text]
  return texts.map((text) => (text === '' ? equals(seed) : votersOf(text)))
}

/** Voters of which a majority decides. */
export function equals(ids: readonly ServerId[]): Voters {
  return [ids.map((id) => ({ id, weight: 1 }))]
}

export function idsOf(electors: Electors): readonly ServerId[] {
  return electors.flat(2).map(({ id }) => id)
}

/** Whether it holds for more than half of the groups, in each by more than half of the weight. */
export function isQuorum(electors: Electors, holds: (voter: ServerId) => boolean): boolean {
  const weightOf = (group: Voters[number]): number =>
    group.reduce((sum, { weight }) => sum + weight, 0)
  return electors.every((groups) => {
    const agreeing = groups.filter(
      (group) => weightOf(group.filter(({ id }) => holds(id))) > weightOf(group) / 2,
    )
    return agreeing.length > groups.length / 2
  })
}
