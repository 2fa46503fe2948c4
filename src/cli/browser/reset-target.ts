// Where the user wants to move the offsets of a group, as typed into the form. Pure.
//
//   start, end        the first record of each partition, or after the last one
//   1234              this offset in every partition; beyond a log, its nearest end
//   +100, -100        so many records forward, or back
//   21:04, 10m, @ms … the first records from this time on, as in seek-target.ts

import type { OffsetTarget } from '../../client/mq/options.ts'
import { timeOfPlace } from './seek-target.ts'

/** @returns undefined if it names no place */
export function parseResetTarget(text: string, wallMs: number): OffsetTarget | undefined {
  const place = text.trim()
  if (place === 'start' || place === 'beginning') return { type: 'start' }
  if (place === 'end') return { type: 'end' }
  if (/^\d{1,15}$/.test(place)) return { type: 'offset', offset: Number(place) }
  if (/^[+-]\d{1,15}$/.test(place)) return { type: 'shift', by: Number(place) }
  const timestampMs = timeOfPlace(place, wallMs)
  return timestampMs === undefined ? undefined : { type: 'time', timestampMs }
}
