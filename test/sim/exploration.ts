// Runs seeds one after the other, in all worlds, until there are enough; then reports their
// coverage.

import { Coverage } from './coverage.ts'
import { FaultError, quoted } from './faults.ts'
import { countsOf } from './mq/counts.ts'
import { countedFor, crashPoints } from './servers/crash-points.ts'
import { type Lives, type WorldName, worldNames, worlds } from './worlds.ts'

/** From this many lives of brokers on, each fault must have its minimum count. */
const manySeeds = 500

/** From this length on, an exploration must have hit every crash point. */
const thoroughMinutes = 2

export interface ExplorationOptions {
  /** run only this seed */
  readonly world?: WorldName | undefined
  readonly minutes?: number | undefined
  /** operations of clients, in each world that has clients */
  readonly operations?: number | undefined
  /** seeds in each world that has clients */
  readonly seeds?: number | undefined
  /** NAME=VALUE, overrides of what seeds draw, in the one explored world */
  readonly fault?: readonly string[]
  /** the first seed */
  readonly from?: number | undefined
}

export class Exploration {
  readonly #options: ExplorationOptions
  readonly #say: (line: string) => void
  readonly #startMs = performance.now()
  readonly #first: number
  readonly #lives: Readonly<Record<WorldName, Lives>>
  readonly #tallies: Readonly<Record<WorldName, Tally>> = {
    servers: makeTally(),
    mq: makeTally(),
    zab: makeTally(),
  }
  #failed = 0

  /** @throws FaultError that names what is wrong with the faults */
  constructor(options: ExplorationOptions, say: (line: string) => void) {
    this.#options = options
    this.#say = say
    this.#first = options.from ?? Math.floor(Math.random() * 2 ** 31)
    const { world, fault = [] } = options
    if (world === undefined && fault.length > 0) {
      throw new FaultError('Cannot use --fault without --world: each world has faults of its own')
    }
    const lives = (name: WorldName): Lives => worlds[name].withFaults(name === world ? fault : [])
    this.#lives = { servers: lives('servers'), mq: lives('mq'), zab: lives('zab') }
  }

  /** @returns whether no life failed */
  async run(): Promise<boolean> {
    while (!this.#isEnough()) await this.#live(this.#options.world ?? this.#next())
    this.#report()
    const [hasPoints, hasFaults] = [this.#reportCrashPoints(), this.#reportFaults()]
    return hasPoints && hasFaults && this.#failed === 0
  }

  /** The world that is furthest behind its share. */
  #next(): WorldName {
    const spent = (world: WorldName): number => this.#tallies[world].ms / worlds[world].share
    return worldNames.reduce((least, world) => (spent(world) < spent(least) ? world : least))
  }

  #isEnough(): boolean {
    const { world, minutes, operations = 0, seeds = 0 } = this.#options
    const leastMs = (minutes ?? (operations + seeds === 0 ? 1 : 0)) * 60_000
    const hasEnough = (tally: Tally): boolean =>
      tally.operations >= operations && tally.seeds >= seeds
    const asked =
      world === undefined ? worldNames.filter((name) => worlds[name].hasClients) : [world]
    return (
      performance.now() - this.#startMs >= leastMs &&
      asked.every((each) => hasEnough(this.#tallies[each]))
    )
  }

  async #live(world: WorldName): Promise<void> {
    const startMs = performance.now()
    const tally = this.#tallies[world]
    const seed = this.#first + tally.seeds++
    try {
      const { operations, coverage } = await this.#lives[world].live(seed)
      tally.operations += operations
      tally.covered.add(coverage)
    } catch (error) {
      this.#failed++
      const overrides = (this.#options.fault ?? [])
        .map((each) => ` --fault ${quoted(each)}`)
        .join('')
      this.#say(`faults: ${this.#lives[world].faultsOf(seed)}`)
      this.#say(`seed ${seed} fails: ${error}`)
      this.#say(`replay it with: npm run sim -- --seed ${seed} --world ${world}${overrides}`)
    }
    tally.ms += performance.now() - startMs
  }

  #report(): void {
    const verdict = this.#failed === 0 ? 'all well' : `${this.#failed} failed`
    this.#say(`from seed ${this.#first} on: ${verdict}`)
    for (const world of worldNames) {
      const { seeds, ms, operations, covered } = this.#tallies[world]
      if (seeds === 0) continue
      const { unit } = worlds[world]
      this.#say(`${world}: ${seeds} seeds, ${rate(seeds, ms)} a second; ${operations} ${unit}`)
      // Each point at which a server was killed is in the table of crash points, if it matters.
      for (const [what, count] of [...covered].sort()) {
        if (!what.startsWith('killed')) this.#say(`${String(count).padStart(10)}  ${what}`)
      }
    }
  }

  /** @returns whether brokers had enough of each fault, if that is required */
  #reportFaults(): boolean {
    const { seeds, covered } = this.#tallies.mq
    const isChosen = (this.#options.fault ?? []).length > 0
    if (seeds === 0 || isChosen) return true
    const rare = countsOf(covered, seeds).filter(({ count, least }) => count < least)
    for (const { what, count, least } of rare) {
      this.#say(`${String(count).padStart(10)}  ${what}: at least ${least} are wanted of brokers`)
    }
    return rare.length === 0 || seeds < manySeeds
  }

  /** @returns whether all crash points were hit, if that is required */
  #reportCrashPoints(): boolean {
    const { seeds, covered } = this.#tallies.servers
    if (seeds === 0) return true
    const missed: string[] = []
    this.#say('servers killed before or after the steps of')
    for (const point of crashPoints) {
      const counts = countedFor(point).map((what) => ({ what, count: covered.countOf(what) }))
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

interface Tally {
  seeds: number
  ms: number
  operations: number
  readonly covered: Coverage
}

function makeTally(): Tally {
  return { seeds: 0, ms: 0, operations: 0, covered: new Coverage() }
}

function rate(count: number, ms: number): string {
  return ((count * 1000) / ms).toFixed(0)
}
