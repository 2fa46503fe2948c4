// Where the user wants to read from, as typed at the prompt. Pure.
//
//   start, end        the first record, or after the last one
//   1234              this offset, in every partition; 3/1234 in partition 3 alone, as all places
//   -100              the last 100 records of each partition
//   21:04, 21:04:59   the last time that it was this time of day, in the local time zone
//   2026-11-28 21:04  a local time; with Z or +01:00 in that time zone; the day alone is its start
//   10m, 2h, 1d, 30s  this long ago
//   @1764363899000    milliseconds since 1970

import { dayMs, shortDurationMs } from '../times.ts'

export type SeekTo =
  | { readonly type: 'beginning' }
  | { readonly type: 'end' }
  | { readonly type: 'offset'; readonly offset: number }
  | { readonly type: 'last'; readonly count: number }
  | { readonly type: 'time'; readonly timeMs: number }

export interface Seek {
  readonly to: SeekTo
  /** undefined: all */
  readonly partition: number | undefined
}

/** @returns undefined if it names no place */
export function parseSeek(text: string, wallMs: number): Seek | undefined {
  const [, partition, place = ''] = /^(?:(\d{1,9})\/)?([^/]+)$/.exec(text.trim()) ?? []
  const to = placeOf(place, wallMs)
  if (to === undefined) return undefined
  return { to, partition: partition === undefined ? undefined : Number(partition) }
}

function placeOf(place: string, wallMs: number): SeekTo | undefined {
  if (place === 'start' || place === 'beginning') return { type: 'beginning' }
  if (place === 'end') return { type: 'end' }
  if (/^\d{1,15}$/.test(place)) return { type: 'offset', offset: Number(place) }
  if (/^-\d{1,15}$/.test(place)) return { type: 'last', count: -Number(place) }
  const timeMs = timeOfPlace(place, wallMs)
  return timeMs === undefined ? undefined : { type: 'time', timeMs }
}

/** Milliseconds since 1970. @returns undefined if the place names no time */
export function timeOfPlace(place: string, wallMs: number): number | undefined {
  const [, stamp] = /^@(\d{1,15})$/.exec(place) ?? []
  if (stamp !== undefined) return Number(stamp)
  const ago = shortDurationMs(place)
  if (ago !== undefined) return Math.max(0, wallMs - ago)
  const [, hours, minutes, seconds = '0'] = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(place) ?? []
  if (hours !== undefined) return timeOfDay([hours, minutes, seconds].map(Number), wallMs)
  if (!/^\d{4}-\d{2}-\d{2}/.test(place)) return undefined
  // A date alone would be read as UTC.
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(place)
  const parsed = Date.parse(isDay ? `${place}T00:00` : place.replace(' ', 'T'))
  return Number.isNaN(parsed) || parsed < 0 ? undefined : parsed
}

function timeOfDay(parts: readonly number[], wallMs: number): number | undefined {
  const [hours = 0, minutes = 0, seconds = 0] = parts
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined
  const at = new Date(wallMs).setHours(hours, minutes, seconds, 0)
  return at <= wallMs ? at : at - dayMs
}
