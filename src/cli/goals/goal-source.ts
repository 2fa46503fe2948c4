// Generates goals in order of minute: match days on which all fixtures kick off at the same time.
//
// A fixture has two clubs and 90 minutes, plus added time at the end of each half. A day has as
// many fixtures as its number of goals needs at the usual rate; so the minute never decreases
// within a run of up to `dayGoalsMax` goals. Beyond it, or without an end, days follow one another.

import type { Random } from '../../random.ts'
import type { Goal } from './goal.ts'
import { clubName, playerName, squadSize } from './goal-names.ts'

/** Average of professional matches, both clubs together. */
const goalsPerFixture = 2.8
const homeShare = 0.55
/** Plausible upper bound per match. */
const goalsOfOneClubMax = 9

/** Without an end: few enough that the minute moves, enough to look like a day. */
const endlessDayGoals = 300
/** A day needs some bytes of memory per goal. */
const dayGoalsMax = 1_000_000

const halfMinutes = 45
const addedMinutes = { first: 3, second: 5 }
const firstHalf = halfMinutes + addedMinutes.first
const slotCount = firstHalf + halfMinutes + addedMinutes.second

/** An endless sequence of goals, minute 1 first; the same for the same seed. */
export class GoalSource {
  readonly #random: Random
  readonly #run: string
  /** undefined if unknown */
  readonly #total: number | undefined
  #made = 0
  #dayNumber = 0
  #day: MatchDay
  #leftOfDay: number

  /** @param total the expected number; more may be requested */
  constructor(random: Random, total?: number) {
    this.#random = random
    this.#run = random.below(0x10000).toString(16).padStart(4, '0')
    this.#total = total !== undefined && Number.isFinite(total) ? total : undefined
    this.#leftOfDay = this.#goalsOfNextDay()
    this.#day = new MatchDay(random, this.#leftOfDay)
    this.#dayNumber = 1
  }

  next(): Goal {
    if (this.#leftOfDay === 0) {
      this.#leftOfDay = this.#goalsOfNextDay()
      this.#day = new MatchDay(this.#random, this.#leftOfDay)
      this.#dayNumber++
    }
    this.#leftOfDay--
    const { minute, added, player, club, score, home, away } = this.#day.next()
    return {
      id: `${this.#run}-${++this.#made}`,
      day: this.#dayNumber === 1 ? undefined : this.#dayNumber,
      minute,
      added: added === 0 ? undefined : added,
      player,
      club,
      score,
      home,
      away,
    }
  }

  #goalsOfNextDay(): number {
    const left = (this.#total ?? 0) - this.#made
    return left > 0 ? Math.min(left, dayGoalsMax) : endlessDayGoals
  }
}

class MatchDay {
  readonly #random: Random
  /** clubs by number; two neighbours play each other */
  readonly #clubs: Uint32Array
  /** goals so far, of the clubs at the same places */
  readonly #scores: Uint8Array
  /** times of the goals, in order: minutes of the day, including added time */
  readonly #slots: Uint8Array
  #at = 0

  constructor(random: Random, goals: number) {
    this.#random = random
    const clubCount = 2 * Math.max(1, Math.round(goals / goalsPerFixture))
    this.#clubs = drawnClubs(random, clubCount)
    this.#scores = new Uint8Array(clubCount)
    this.#slots = Uint8Array.from({ length: goals }, () => random.below(slotCount)).sort()
    this.#slots[0] = 0 // every match day has a goal in the first minute
  }

  next() {
    const place = this.#scorer()
    const [home, away] = [place - (place % 2), place - (place % 2) + 1]
    this.#scores[place] = (this.#scores[place] ?? 0) + 1
    const club = this.#clubs[place] ?? 0
    const random = this.#random
    // Forwards have high numbers and score most.
    const shirt = Math.max(random.below(squadSize), random.below(squadSize))
    const { minute, added } = timeOf(this.#slots[this.#at++] ?? 0)
    return {
      minute,
      added,
      player: playerName(club, shirt),
      club: clubName(club),
      score: `${this.#scores[home]}:${this.#scores[away]}`,
      home: clubName(this.#clubs[home] ?? 0),
      away: clubName(this.#clubs[away] ?? 0),
    }
  }

  /** The place of the club that scores next. */
  #scorer(): number {
    const random = this.#random
    for (;;) {
      const home = 2 * random.below(this.#clubs.length / 2)
      const place = random.chance(homeShare) ? home : home + 1
      if ((this.#scores[place] ?? 0) < goalsOfOneClubMax) return place
    }
  }
}

/** The first clubs, in random order. */
function drawnClubs(random: Random, count: number): Uint32Array {
  const clubs = Uint32Array.from({ length: Math.max(count, clubsAtHand) }, (_, i) => i)
  for (let i = clubs.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    const club = clubs[i] ?? 0
    clubs[i] = clubs[j] ?? 0
    clubs[j] = club
  }
  return clubs.subarray(0, count)
}

/** A small match day draws from these. */
const clubsAtHand = 120

function timeOf(slot: number): { readonly minute: number; readonly added: number } {
  if (slot < halfMinutes) return { minute: slot + 1, added: 0 }
  if (slot < firstHalf) return { minute: halfMinutes, added: slot - halfMinutes + 1 }
  const minute = slot - firstHalf + halfMinutes + 1
  if (minute <= 2 * halfMinutes) return { minute, added: 0 }
  return { minute: 2 * halfMinutes, added: minute - 2 * halfMinutes }
}
