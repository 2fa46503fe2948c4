// What is done for each replica again and again: its tick, what is due by its topic's rules, one slice
// of a compaction, a look for damage in what no start has read. A broker may have 10 000 replicas: each
// call of `tick` visits those that asked for it and a share of the others.

import type { Clock } from '../../clock.ts'
import type { TopicConfig } from '../cluster/topic-config.ts'
import type { Replica } from './replica.ts'
import { SteadyTime } from './steady-time.ts'

/** A replica that lags is noticed at most this share of the lag time too late. */
const lagChecks = 20

interface ReplicaRoundsOptions {
  /** all that are open */
  readonly replicas: ReadonlyMap<string, Replica>
  readonly clock: Clock
  /** interval between calls of `tick` */
  readonly tickMs: number
  readonly lagTimeMsMax: number
  /** how often every replica is looked at for what is due by its topic's rules */
  readonly maintenanceMs: number
  /** how fast records that were not read at start are read for damage; 0: only when they are needed */
  readonly checkedBytesPerSecond: number
  readonly topicConfig: (topic: string) => TopicConfig
}

export class ReplicaRounds {
  readonly #options: ReplicaRoundsOptions
  readonly #time: SteadyTime
  /** replicas that asked for the next tick */
  readonly #eager = new Set<Replica>()
  readonly #ticks: Round
  readonly #maintenance: Round
  readonly #compacting = new Set<Replica>()
  /** replicas with records that no start has read */
  readonly #unchecked = new Set<Replica>()

  constructor(options: ReplicaRoundsOptions) {
    this.#options = options
    this.#time = new SteadyTime(options.clock)
    const { replicas, tickMs, lagTimeMsMax, maintenanceMs } = options
    this.#ticks = new Round(replicas, (tickMs * lagChecks) / lagTimeMsMax)
    this.#maintenance = new Round(replicas, tickMs / maintenanceMs)
  }

  opened(replica: Replica): void {
    if (!replica.isChecked) this.#unchecked.add(replica)
  }

  closed(replica: Replica): void {
    this.#unchecked.delete(replica)
    this.#compacting.delete(replica)
  }

  tickSoon(replica: Replica): void {
    this.#eager.add(replica)
  }

  tick(nowMs: number): void {
    this.#tickSome(nowMs)
    this.#maintainSome()
    this.#checkSome()
    this.#compactSome()
  }

  #tickSome(nowMs: number): void {
    const eager = [...this.#eager]
    this.#eager.clear()
    for (const replica of eager) replica.tick(nowMs)
    this.#ticks.visit((replica) => replica.tick(nowMs))
  }

  #maintainSome(): void {
    const nowMs = this.#time.nowMs()
    this.#maintenance.visit((replica) => {
      replica.maintain(this.#options.topicConfig(replica.topic), nowMs)
      if (replica.isCompacting) this.#compacting.add(replica)
    })
  }

  /** Looks for damage in what no start has read, slowly. */
  #checkSome(): void {
    const { checkedBytesPerSecond, tickMs } = this.#options
    let bytes = Math.ceil((checkedBytesPerSecond * tickMs) / 1000)
    for (const replica of this.#unchecked) {
      if (bytes <= 0) return
      while (bytes > 0 && !replica.isChecked) {
        const read = replica.checkSome(bytes)
        if (read === 0) break
        bytes -= read
      }
      if (replica.isChecked) this.#unchecked.delete(replica)
    }
  }

  /** One slice of one log. */
  #compactSome(): void {
    for (const replica of this.#compacting) {
      if (replica.isCompacting) {
        replica.compactSome()
        return
      }
      this.#compacting.delete(replica)
    }
  }
}

/** Visits all replicas in turn, a share of them at a time. */
class Round {
  readonly #all: ReadonlyMap<string, Replica>
  readonly #share: number
  /** the rest of this round */
  #rest: Replica[] = []
  /** how many of them are due by now, in fractions */
  #due = 0

  constructor(all: ReadonlyMap<string, Replica>, share: number) {
    this.#all = all
    this.#share = share
  }

  visit(look: (replica: Replica) => void): void {
    if (this.#rest.length === 0) this.#rest = [...this.#all.values()]
    for (this.#due += this.#all.size * this.#share; this.#due >= 1; this.#due--) {
      const replica = this.#rest.pop()
      if (replica !== undefined) look(replica)
    }
  }
}
