// Football goals: the events that our own tools send, check and show. A goal is one record, as JSON:
//
//   {"id":"7f3a-12","minute":45,"added":2,"player":"Ada Park","club":"Ajax","score":"2:1",
//    "home":"Ajax","away":"Porto"}
//
// Goals are ordered by minute, in every log and on every screen. The number in the id counts the goals
// of a run, so that completeness is seen at a glance: 7f3a-12 follows 7f3a-11.

import { visible } from './cells.ts'

export interface Goal {
  /** unique: four digits of the run that made it, and which goal of that run it is */
  readonly id: string
  /** match day; left out on the first */
  readonly day?: number | undefined
  /** of the match */
  readonly minute: number
  /** minutes of added time, for 45+2' and 90+4' */
  readonly added?: number | undefined
  readonly player: string
  /** the one that scored, which the player belongs to */
  readonly club: string
  /** of its match, after this goal, the home side first */
  readonly score: string
  /** who plays whom; a goal of another producer may not say */
  readonly home?: string | undefined
  readonly away?: string | undefined
}

/** @returns undefined when it is no goal */
export function parseGoal(text: string): Goal | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { id, day, minute, added, player, club, score, home, away } = value as Record<
    keyof Goal,
    unknown
  >
  if (!isCount(minute)) return undefined
  if (typeof id !== 'string' || typeof player !== 'string') return undefined
  if (typeof club !== 'string' || typeof score !== 'string') return undefined
  return {
    id,
    day: isCount(day) ? day : undefined,
    minute,
    added: isCount(added) ? added : undefined,
    player,
    club,
    score,
    home: typeof home === 'string' ? home : undefined,
    away: typeof away === 'string' ? away : undefined,
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value)
}

/** Below 0 when `a` fell before `b`: by match day, minute and added minute. */
export function compareGoals(a: Goal, b: Goal): number {
  return dayOf(a) - dayOf(b) || a.minute - b.minute || (a.added ?? 0) - (b.added ?? 0)
}

export function dayOf({ day }: Goal): number {
  return day ?? 1
}

/** `12'`, `45+2'` */
export function minuteText({ minute, added }: Goal): string {
  return added === undefined ? `${minute}'` : `${minute}+${added}'`
}

/** One line: `   12'      Ajax 2:1 Porto        Ada Nakamura, Ajax  (7f3a-12)` */
export function formatGoal(goal: Goal): string {
  const { id, player, club, score, home = club, away = '' } = goal
  const day = dayOf(goal) === 1 ? '' : `day ${dayOf(goal)} `
  const match = `${home.padStart(12)} ${score} ${away.padEnd(12)}`
  return visible(`${day}${minuteText(goal).padStart(6)}  ${match}  ${player}, ${club}  (${id})`)
}
