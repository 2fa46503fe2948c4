// Configurations as records of a simulated log, and what a log says of them: the judge reads it by
// itself, not through the core.
//
//   config 1,4,5     the voters to be; a majority of these and of those before
//   activate         a majority of these alone

import type {
  ConfigurationChange,
  ConfigurationState,
} from '../../../src/daemon/zab/configuration.ts'
import type { LoggedChange } from '../../../src/daemon/zab/types.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import { type Zxid, zxidZero } from '../../../src/protocol/zxid.ts'
import type { LogRecord } from './records.ts'

export const activation = 'activate'

export function configRecord(voters: readonly ServerId[]): string {
  return `config ${voters.join()}`
}

export function changeIn(payload: string): ConfigurationChange | undefined {
  if (payload === activation) return { type: 'activate' }
  if (!payload.startsWith('config ')) return undefined
  const text = payload.slice('config '.length)
  return { type: 'propose', voters: text.split(',').map((id) => Number(id) as ServerId), text }
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

/** The groups of voters of whom a majority each is needed. */
export type Groups = readonly (readonly ServerId[])[]

export function groupsIn(log: readonly LogRecord[], upTo: Zxid, seed: readonly ServerId[]): Groups {
  const state = stateIn(log, upTo, seed)
  if (state === undefined) return [seed]
  const { last, before } = state
  return before === undefined ? [last.voters] : [before.voters, last.voters]
}

/** Whether it holds for a majority of each group. */
export function isQuorum(groups: Groups, holds: (voter: ServerId) => boolean): boolean {
  return groups.every((voters) => voters.filter(holds).length > voters.length / 2)
}
