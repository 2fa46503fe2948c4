// Seeds one after the other, in all worlds, until there is enough; then what they covered.

import { countsOf } from './mq/counts.ts'
import type { Faults } from './mq/faults.ts'
import { liveMq } from './mq/life.ts'
import { countedFor, crashPoints } from './servers/crash-points.ts'
import { liveServers } from './servers/life.ts'
import { liveZab } from './zab/life.ts'

/** Of the time, so much goes to each world. */
const shares = { servers: 0.5, mq: 0.35, zab: 0.15 } as const

/** So many lives of brokers must have enough of each fault. */
const manySeeds = 500

/** Who explores for so long must have hit every crash point. */
const thoroughMinutes = 2

type World = keyof typeof shares

export interface ExplorationOptions {
  /** only this one */
  readonly world?: World | undefined
  readonly minutes?: number | undefined
  /** of clients, in each world that has some */
  readonly operations?: number | undefined
  /** in each world with clients */
  readonly seeds?: number | undefined
  /** of lives of brokers, in place of what their seeds say */
  readonly faults?: Partial<Faults>
  /** the first seed */
  readonly from?: number | undefined
}

export class Exploration {
  readonly #options: ExplorationOptions
  readonly #say: (line: string) => void
  readonly #startMs = performance.now()
  readonly #first: number
  readonly #tallies: Readonly<Record<World, Tally>> = {
    servers: makeTally(),
    mq: makeTally(),
    zab: makeTally(),
  }
  #failed = 0

  constructor(options: ExplorationOptions, say: (line: string) => void) {
    this.#options = options
    this.#say = say
    this.#first = options.from ?? Math.floor(Math.random() * 2 ** 31)
  }

  /** @returns whether all was well */
  async run(): Promise<boolean> {
    while (!this.#isEnough()) await this.#live(this.#options.world ?? this.#next())
    this.#report()
    const [hasPoints, hasFaults] = [this.#reportCrashPoints(), this.#reportFaults()]
    return hasPoints && hasFaults && this.#failed === 0
  }

  /** The world that has had the least of its share. */
  #next(): World {
    const spent = (world: World): number => this.#tallies[world].ms / shares[world]
    const worlds = Object.keys(shares) as World[]
    return worlds.reduce((least, world) => (spent(world) < spent(least) ? world : least))
  }

  #isEnough(): boolean {
    const { world, minutes, operations = 0, seeds = 0 } = this.#options
    const leastMs = (minutes ?? (operations + seeds === 0 ? 1 : 0)) * 60_000
    const hasEnough = (tally: Tally): boolean =>
      tally.operations >= operations && tally.seeds >= seeds
    const worlds: readonly World[] = world === undefined ? ['servers', 'mq'] : [world]
    return (
      performance.now() - this.#startMs >= leastMs &&
      worlds.every((each) => hasEnough(this.#tallies[each]))
    )
  }

  async #live(world: World): Promise<void> {
    const startMs = performance.now()
    const tally = this.#tallies[world]
    const seed = this.#first + tally.seeds++
    try {
      const { operations, coverage } = await this.#lifeIn(world, seed)
      tally.operations += operations
      add(tally.covered, coverage)
    } catch (error) {
      this.#failed++
      this.#say(`seed ${seed} fails: ${error}`)
      this.#say(`replay it with: npm run sim -- --seed ${seed} --world ${world}`)
    }
    tally.ms += performance.now() - startMs
  }

  async #lifeIn(world: World, seed: number): Promise<Life> {
    switch (world) {
      case 'servers':
        return liveServers(seed)
      case 'mq':
        return liveMq(seed, { faults: this.#options.faults ?? {} })
      case 'zab': {
        const { committed, coverage } = liveZab(seed)
        return { operations: committed, coverage }
      }
    }
  }

  #report(): void {
    const verdict = this.#failed === 0 ? 'all well' : `${this.#failed} failed`
    this.#say(`from seed ${this.#first} on: ${verdict}`)
    for (const [world, { seeds, ms, operations, covered }] of Object.entries(this.#tallies)) {
      if (seeds === 0) continue
      const what = world === 'zab' ? 'transactions committed' : 'operations'
      this.#say(`${world}: ${seeds} seeds, ${rate(seeds, ms)} a second; ${operations} ${what}`)
      // Each point at which a server was killed is in the table of crash points, if it matters.
      for (const [what, count] of [...covered].sort()) {
        if (!what.startsWith('killed')) this.#say(`${String(count).padStart(10)}  ${what}`)
      }
    }
  }

  /** @returns whether brokers had enough of each fault, or need not have had */
  #reportFaults(): boolean {
    const { seeds, covered } = this.#tallies.mq
    const isChosen = Object.keys(this.#options.faults ?? {}).length > 0
    if (seeds === 0 || isChosen) return true
    const rare = countsOf(covered, seeds).filter(({ count, least }) => count < least)
    for (const { what, count, least } of rare) {
      this.#say(`${String(count).padStart(10)}  ${what}: at least ${least} are wanted of brokers`)
    }
    return rare.length === 0 || seeds < manySeeds
  }

  /** @returns whether all were hit, or need not have been */
  #reportCrashPoints(): boolean {
    const { seeds, covered } = this.#tallies.servers
    if (seeds === 0) return true
    const missed: string[] = []
    this.#say('servers killed before or after the steps of')
    for (const point of crashPoints) {
      const counts = countedFor(point).map((what) => ({ what, count: covered.get(what) ?? 0 }))
      const total = counts.reduce((sum, { count }) => sum + count, 0)
      const never = counts.filter(({ count }) => count === 0).map(({ what }) => what)
      missed.push(...never)
      const steps = `${counts.length - never.length} of ${counts.length} steps`
      this.#say(`${String(total).padStart(10)}  ${point.name}: ${steps}`)
    }
    for (const what of missed) this.#say(`     never  ${what}`)
    const isThorough = performance.now() - this.#startMs >= thoroughMinutes * 60_000
    return missed.length === 0 || !isThorough
  }
}

interface Life {
  readonly operations: number
  readonly coverage: ReadonlyMap<string, number>
}

interface Tally {
  seeds: number
  ms: number
  operations: number
  readonly covered: Map<string, number>
}

function makeTally(): Tally {
  return { seeds: 0, ms: 0, operations: 0, covered: new Map() }
}

function add(to: Map<string, number>, coverage: ReadonlyMap<string, number>): void {
  for (const [what, count] of coverage) to.set(what, (to.get(what) ?? 0) + count)
}

function rate(count: number, ms: number): string {
  return ((count * 1000) / ms).toFixed(0)
}
