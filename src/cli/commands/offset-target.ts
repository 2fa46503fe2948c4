// Where `zw groups reset-offsets` moves a group: exactly one of its flags says it. Pure.

import type { OffsetTarget } from '../../client/mq/options.ts'
import { BadUsage } from '../cli-command.ts'
import { durationOf, timeOf } from '../times.ts'

export interface TargetFlags {
  readonly to: string | undefined
  readonly shift: number | undefined
  readonly toDatetime: string | undefined
  readonly byDuration: string | undefined
}

/**
 * @param wallMs the time now, for durations
 * @returns undefined if no flag is given
 * @throws BadUsage
 */
export function offsetTarget(flags: TargetFlags, wallMs: number): OffsetTarget | undefined {
  const { to, shift, toDatetime, byDuration } = flags
  const given = (
    [
      ['--to', to],
      ['--shift', shift],
      ['--to-datetime', toDatetime],
      ['--by-duration', byDuration],
    ] as const
  ).filter(([, value]) => value !== undefined)
  if (given.length > 1) {
    throw new BadUsage(`Cannot use ${given.map(([flag]) => flag).join(' with ')}`)
  }
  if (shift !== undefined) return { type: 'shift', by: shift }
  if (toDatetime !== undefined) {
    return { type: 'time', timestampMs: timeOf('--to-datetime', toDatetime) }
  }
  if (byDuration !== undefined) {
    const timestampMs = Math.max(0, wallMs - durationOf('--by-duration', byDuration))
    return { type: 'time', timestampMs }
  }
  if (to === undefined) return undefined
  if (to === 'start' || to === 'end') return { type: to }
  if (/^\d{1,16}$/.test(to) && Number.isSafeInteger(Number(to))) {
    return { type: 'offset', offset: Number(to) }
  }
  throw new BadUsage(`Cannot use --to ${to}: it must be start, end or an offset`)
}
