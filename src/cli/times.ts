// Times and durations as they are typed: on command lines, and at the prompt of the terminal consumer.
// Pure.

import { BadUsage } from './cli-command.ts'

const unitMs: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

export const dayMs = 86_400_000

/** `30s`, `10m`, `2h`, `1d`. @returns undefined if it is none */
export function shortDurationMs(text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  return amount === undefined ? undefined : Number(amount) * (unitMs[unit] ?? 0)
}

/** ISO 8601: `P1DT2H30M15.5S`, as Kafka's `--by-duration`. */
function isoDurationMs(text: string): number | undefined {
  const form =
    /^P(?:(\d{1,6})D)?(?:T(?=.)(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,9}(?:\.\d+)?)S)?)?$/
  const [, ...amounts] = form.exec(text) ?? []
  if (amounts.every((amount) => amount === undefined)) return undefined
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = amounts.map((amount) =>
    Number(amount ?? 0),
  )
  return Math.floor(days * dayMs + hours * 3_600_000 + minutes * 60_000 + seconds * 1000)
}

export const durationForms = 'PT1H30M, P2D, or 90s, 10m, 2h, 1d'

/** @throws BadUsage */
export function durationOf(flag: string, text: string): number {
  const ms = shortDurationMs(text) ?? isoDurationMs(text)
  if (ms !== undefined) return ms
  throw new BadUsage(`Cannot use ${flag} ${text}: it must be a duration such as ${durationForms}`)
}

export const timeForms =
  '2026-01-31T21:04:59.000 (UTC, or with Z or +01:00), or milliseconds since 1970'

/** Without a zone in UTC, as Kafka's `--to-datetime`. @throws BadUsage */
export function timeOf(flag: string, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  const form =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?))?(Z|[+-]\d\d(?::?\d\d)?)?$/
  const [, day, time = '00:00', zone = 'Z'] = form.exec(text) ?? []
  if (day !== undefined && isDay(day)) {
    const ms = Date.parse(`${day}T${time.replace(',', '.')}${wholeZone(zone)}`)
    if (ms >= 0) return ms
  }
  throw new BadUsage(`Cannot use ${flag} ${text}: it must be a time such as ${timeForms}`)
}

/** JavaScript takes the 30th of February for the 2nd of March. */
function isDay(day: string): boolean {
  const ms = Date.parse(`${day}T00:00Z`)
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day)
}

/** `+0100` and `+01` are ISO 8601, too, but JavaScript wants `+01:00`. */
function wholeZone(zone: string): string {
  const [, hours, minutes = '00'] = /^([+-]\d\d):?(\d\d)?$/.exec(zone) ?? []
  return hours === undefined ? zone : `${hours}:${minutes}`
}

/** How long ago, in at most two units: `4 s`, `3 min 12 s`, `2 h 5 min`, `3 d 4 h`. */
export function agoText(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / 1000)
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  if (minutes === 0) return `${seconds} s`
  if (hours === 0) return `${minutes} min ${seconds % 60} s`
  return hours < 24
    ? `${hours} h ${minutes % 60} min`
    : `${Math.floor(hours / 24)} d ${hours % 24} h`
}
