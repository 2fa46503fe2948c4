// Football goals: the events that our own tools send, check and show. A goal is one record, as JSON:
//
//   {"id":"7f3a-12","minute":12,"player":"Ada Nakamura","club":"Ajax","score":"2:1"}
//
// Minutes rise by one from goal to goal, over all matches, so that order and completeness are seen
// at a glance: minute 12 follows minute 11, in every log, on every screen.

import type { Random } from '../random.ts'

export interface Goal {
  /** unique: four digits of the run that made it, and which goal of that run it is */
  readonly id: string
  readonly minute: number
  readonly player: string
  /** the one that scored */
  readonly club: string
  /** of its match, after this goal, the home side first */
  readonly score: string
}

interface Match {
  readonly home: string
  readonly away: string
  homeGoals: number
  awayGoals: number
}

const matchCount = 4
/** A match ends when a side has this many, and another begins. */
const goalsToWin = 5

/** Makes up goals, an endless row of them; the same ones for the same seed. */
export class GoalSource {
  readonly #random: Random
  readonly #run: string
  readonly #matches: Match[] = []
  #minute = 0

  constructor(random: Random) {
    this.#random = random
    this.#run = random.below(0x10000).toString(16).padStart(4, '0')
    while (this.#matches.length < matchCount) this.#matches.push(this.#kickOff())
  }

  next(): Goal {
    const random = this.#random
    const minute = ++this.#minute
    const match = random.pick(this.#matches)
    const byHome = random.chance(0.55)
    if (byHome) match.homeGoals++
    else match.awayGoals++
    const { home, away, homeGoals, awayGoals } = match
    if (Math.max(homeGoals, awayGoals) === goalsToWin) {
      this.#matches[this.#matches.indexOf(match)] = this.#kickOff()
    }
    return {
      id: `${this.#run}-${minute}`,
      minute,
      player: `${random.pick(firstNames)} ${random.pick(lastNames)}`,
      club: byHome ? home : away,
      score: `${homeGoals}:${awayGoals}`,
    }
  }

  /** Two clubs that play nowhere else at the moment. */
  #kickOff(): Match {
    const busy = new Set(this.#matches.flatMap(({ home, away }) => [home, away]))
    const home = this.#random.pick(clubs.filter((club) => !busy.has(club)))
    const away = this.#random.pick(clubs.filter((club) => !busy.has(club) && club !== home))
    return { home, away, homeGoals: 0, awayGoals: 0 }
  }
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
  const { id, minute, player, club, score } = value as Record<keyof Goal, unknown>
  if (typeof minute !== 'number' || !Number.isSafeInteger(minute)) return undefined
  if (typeof id !== 'string' || typeof player !== 'string') return undefined
  if (typeof club !== 'string' || typeof score !== 'string') return undefined
  return { id, minute, player, club, score }
}

/** One line for people: `12'  2:1  Ajax            Ada Nakamura  (7f3a-12)` */
export function formatGoal({ id, minute, player, club, score }: Goal): string {
  return `${`${minute}'`.padStart(5)}  ${score.padEnd(4)} ${club.padEnd(16)} ${player}  (${id})`
}

// biome-ignore format: one name per line would say no more
const clubs = [
  'Ajax', 'Arsenal', 'Bari', 'Benfica', 'Bergen', 'Celtic', 'Chelsea', 'Everton', 'Fiorentina',
  'Galatasaray', 'Hamburg', 'Inter', 'Juventus', 'Köln', 'Liverpool', 'Lyon', 'Málaga', 'Milan',
  'Nantes', 'Olympiacos', 'Porto', 'Rangers', 'Roma', 'Santos', 'Sevilla', 'Torino', 'Valencia',
  'Werder',
]

// biome-ignore format: as above
const firstNames = [
  'Ada', 'Alan', 'Barbara', 'Dennis', 'Edsger', 'Frances', 'Grace', 'Jean', 'John', 'Ken', 'Kurt',
  'Leslie', 'Margaret', 'Nancy', 'Niklaus', 'Radia', 'René', 'Robin', 'Shafi', 'Tony',
]

// biome-ignore format: as above
const lastNames = [
  'Adeyemi', 'Bianchi', 'Castro', 'Dubois', 'Eriksen', 'Ferreira', 'Gómez', 'Haugen', 'Ivanov',
  'Jansen', 'Kowalski', 'Lindqvist', 'Müller', 'Nakamura', 'Okafor', 'Park', 'Quist', 'Rossi',
  'Silva', 'Traoré', 'Ueda', 'Vargas', 'Weber', 'Yılmaz',
]
