// The value of `zw consume -o`, in kcat's forms. Pure.

import type { SeekTarget } from '../client/mq/options.ts'
import { BadUsage } from './cli-command.ts'

export const offsetForms = 'beginning, end, stored, an offset, or -N: the last N of each partition'

export interface OffsetRange {
  /** what the group committed */
  readonly isStored: boolean
  readonly start: SeekTarget
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
  throw new BadUsage(`Cannot use --offset ${text}: it must be one of ${offsetForms}`)
}
