// The value of `zw consume -o`, in kcat's forms. Pure.

import type { SeekTarget } from '../client/mq/options.ts'
import { BadUsage } from './cli-command.ts'

export const offsetForms =
  'beginning, end, stored, an offset, -N: the last N of each partition, s@MS: from that time on, ' +
  'or s@MS,e@MS: up to another'

export interface OffsetRange {
  /** what the group committed */
  readonly isStored: boolean
  readonly start: SeekTarget
  /** stops at the first record with at least this timestamp */
  readonly endMs?: number
}

/** @throws BadUsage */
export function offsetRange(given: unknown): OffsetRange {
  const text = String(given)
  if (Array.isArray(given)) throw new BadUsage('Cannot use --offset more than once')
  if (text === 'beginning' || text === 'end') return { isStored: false, start: text }
  if (text === 'stored') return { isStored: true, start: 'end' }
  const number = /^-?\d+$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(number)) {
    const start = text.startsWith('-') ? { last: -number } : number
    return { isStored: false, start }
  }
  const times = /^s@(\d{1,15})(?:,e@(\d{1,15}))?$/.exec(text)
  if (times !== null) {
    const start = { timestampMs: Number(times[1]) }
    const endMs = times[2] === undefined ? undefined : Number(times[2])
    return { isStored: false, start, ...(endMs === undefined ? {} : { endMs }) }
  }
  throw new BadUsage(`Cannot use --offset ${text}: it must be one of ${offsetForms}`)
}
