// Seeds one after the other, in both worlds, until there is enough; then what they covered.

import { countedFor, crashPoints } from './crash-points.ts'
import { liveServers } from './server-life.ts'
import { liveZab } from './zab-life.ts'

/** Of the time, so much goes to whole servers. */
const serversShare = 0.8

/** Who explores for so long must have hit every crash point. */
const thoroughMinutes = 2

export interface ExplorationOptions {
  /** only this one */
  readonly world?: 'servers' | 'zab' | undefined
  readonly minutes?: number | undefined
  /** asked by clients of whole servers */
  readonly operations?: number | undefined
  /** of whole servers */
  readonly seeds?: number | undefined
  /** the first seed */
  readonly from?: number | undefined
}

export class Exploration {
  readonly #options: ExplorationOptions
  readonly #say: (line: string) => void
  readonly #startMs = performance.now()
  readonly #first: number
  readonly #servers = { seeds: 0, ms: 0, operations: 0, covered: new Map<string, number>() }
  readonly #zab = { seeds: 0, ms: 0, committed: 0, covered: new Map<string, number>() }
  #failed = 0

  constructor(options: ExplorationOptions, say: (line: string) => void) {
    this.#options = options
    this.#say = say
    this.#first = options.from ?? Math.floor(Math.random() * 2 ** 31)
  }

  /** @returns whether all was well */
  async run(): Promise<boolean> {
    while (!this.#isEnough()) {
      const { world } = this.#options
      const behind = this.#servers.ms * (1 - serversShare) > this.#zab.ms * serversShare
      if (world === 'zab' || (world === undefined && behind)) this.#liveZab()
      else await this.#liveServers()
    }
    this.#report()
    return this.#reportCrashPoints() && this.#failed === 0
  }

  #isEnough(): boolean {
    const { minutes, operations = 0, seeds = 0 } = this.#options
    const leastMs = (minutes ?? (operations + seeds === 0 ? 1 : 0)) * 60_000
    return (
      performance.now() - this.#startMs >= leastMs &&
      this.#servers.operations >= operations &&
      this.#servers.seeds >= seeds
    )
  }

  async #liveServers(): Promise<void> {
    const startMs = performance.now()
    const seed = this.#first + this.#servers.seeds++
    try {
      const { operations, coverage } = await liveServers(seed)
      this.#servers.operations += operations
      add(this.#servers.covered, coverage)
    } catch (error) {
      this.#fails(seed, 'servers', error)
    }
    this.#servers.ms += performance.now() - startMs
  }

  #liveZab(): void {
    const startMs = performance.now()
    const seed = this.#first + this.#zab.seeds++
    try {
      const { committed, coverage } = liveZab(seed)
      this.#zab.committed += committed
      add(this.#zab.covered, coverage)
    } catch (error) {
      this.#fails(seed, 'zab', error)
    }
    this.#zab.ms += performance.now() - startMs
  }

  #fails(seed: number, world: string, error: unknown): void {
    this.#failed++
    this.#say(`seed ${seed} fails: ${error}`)
    this.#say(`replay it with: npm run sim -- --seed ${seed} --world ${world}`)
  }

  #report(): void {
    const { seeds, ms, operations, covered } = this.#servers
    const zab = this.#zab
    const verdict = this.#failed === 0 ? 'all well' : `${this.#failed} failed`
    this.#say(`from seed ${this.#first} on: ${verdict}`)
    if (seeds > 0) {
      this.#say(`servers: ${seeds} seeds, ${rate(seeds, ms)} a second; ${operations} operations`)
      // Each point at which a server was killed is in the table of crash points, if it matters.
      for (const [what, count] of [...covered].sort()) {
        if (!what.startsWith('killed')) this.#say(`${String(count).padStart(10)}  ${what}`)
      }
    }
    if (zab.seeds === 0) return
    const committed = `${zab.committed} transactions committed`
    this.#say(`zab: ${zab.seeds} seeds, ${rate(zab.seeds, zab.ms)} a second; ${committed}`)
    for (const [what, count] of [...zab.covered].sort()) {
      this.#say(`${String(count).padStart(10)}  ${what}`)
    }
  }

  /** @returns whether all were hit, or need not have been */
  #reportCrashPoints(): boolean {
    if (this.#servers.seeds === 0) return true
    const { covered } = this.#servers
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

function add(to: Map<string, number>, coverage: ReadonlyMap<string, number>): void {
  for (const [what, count] of coverage) to.set(what, (to.get(what) ?? 0) + count)
}

function rate(count: number, ms: number): string {
  return ((count * 1000) / ms).toFixed(0)
}
