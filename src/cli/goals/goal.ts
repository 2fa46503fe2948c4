// Football goals: the sample events that our own tools send, check and show. A goal is one JSON
// record:
//
//   {"id":"7f3a-12","minute":45,"added":2,"player":"Ada Park","club":"Ajax","score":"2:1",
//    "home":"Ajax","away":"Porto"}
//
// Goals are ordered by minute, in every log and on every screen. The number in the id counts the
// goals of a run, so that gaps are visible: 7f3a-12 follows 7f3a-11.

import { visible } from '../../printable.ts'

export interface Goal {
  /** unique: four digits of the run, and the number of the goal in that run */
  readonly id: string
  /** match day; left out on the first */
  readonly day?: number | undefined
  /** of the match */
  readonly minute: number
  /** minutes of added time, for 45+2' and 90+4' */
  readonly added?: number | undefined
  readonly player: string
  /** the scoring club, to which the player belongs */
  readonly club: string
  /** of its match, after this goal, the home side first */
  readonly score: string
  /** the two clubs; goals of other producers may lack them */
  readonly home?: string | undefined
  readonly away?: string | undefined
}

/** @returns undefined if it is not a goal */
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

/** Negative if `a` fell before `b`: by match day, minute and added minute. */
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
