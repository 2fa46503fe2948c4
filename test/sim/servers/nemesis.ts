// The faults of a life of servers: one after the other, drawn by the weights of the life's faults
// (faults.ts). Each cause of a fault is as likely as the fault is heavy.

import { pickWeighted, type Weighted } from '../faults.ts'
import type { KillAt } from '../process.ts'
import { fastestClock } from './checker.ts'
import type { SimClient } from './client.ts'
import type { ServersFaults } from './faults.ts'
import type { ServersWorld } from './life.ts'
import {
  bridge,
  changeAmidst,
  closeAmidst,
  depose,
  flap,
  forgeElection,
  isolate,
  loseDisk,
  move,
  moveAhead,
  split,
  strand,
  transferAmidst,
  vanish,
} from './scenes.ts'
import type { SimServer } from './server.ts'

type Cause = () => void

/** The faults that have causes; the others are properties of the world. */
type CausedFault =
  | 'kills'
  | 'brokenLinks'
  | 'partitions'
  | 'forgeries'
  | 'pauses'
  | 'diskFaults'
  | 'clocks'
  | 'wipes'
  | 'bitFlips'
  | 'clients'
  | 'transfers'
  | 'reconfigurations'

export class Nemesis {
  readonly #world: ServersWorld
  readonly #focus: KillAt | undefined
  readonly #causes: readonly Weighted<Cause>[]
  /** above the rounds that elections reach by themselves */
  #forgedRound = 1000

  constructor(world: ServersWorld, faults: ServersFaults) {
    this.#world = world
    this.#focus = faults.crashPoint ?? undefined
    const of = (fault: CausedFault, causes: readonly Cause[]): Weighted<Cause>[] =>
      causes.map((item) => ({ item, weight: faults[fault] }))
    const always = (causes: readonly Cause[]): Weighted<Cause>[] =>
      causes.map((item) => ({ item, weight: 1 }))
    this.#causes = [
      ...always([() => world.addClient()]),
      ...of('kills', this.#kills()),
      ...of('brokenLinks', this.#brokenLinks()),
      ...of('partitions', this.#partitions()),
      ...of('forgeries', [() => forgeElection(world, ++this.#forgedRound)]),
      ...of('pauses', this.#pauses()),
      ...of('diskFaults', this.#diskFaults()),
      ...of('clocks', this.#clocks()),
      ...of('wipes', [() => loseDisk(world, this.#any(), (lost) => lost.wipe())]),
      ...of('bitFlips', [() => loseDisk(world, this.#any(), (lost) => lost.damage())]),
      ...of('clients', this.#clients()),
      ...of('transfers', this.#transfers()),
      ...of('reconfigurations', this.#reconfigurations()),
      ...always(this.#focusedCauses()),
    ]
  }

  /** Perhaps begins a fault, and perhaps restarts a server. */
  strike(): void {
    const { random } = this.#world
    if (this.#focus !== undefined && random.chance(0.1)) this.#any().killAt(this.#focus)
    const dice = random.next()
    if (dice < 0.3) this.#any().start()
    else if (dice < 0.6) pickWeighted(this.#causes, random)?.()
  }

  // --- who ---------------------------------------------------------------------------------------

  #any(): SimServer {
    return this.#world.random.pick(this.#world.servers)
  }

  #leader(): SimServer {
    return this.#world.servers.find(({ role }) => role.type === 'leading') ?? this.#any()
  }

  #anyClient(): SimClient {
    return this.#world.random.pick(this.#world.clients)
  }

  /** A server, more often than a client. */
  #host(): string {
    return this.#world.random.chance(0.8) ? this.#any().host : this.#anyClient().name
  }

  // --- what --------------------------------------------------------------------------------------

  #kills(): Cause[] {
    const { random, servers } = this.#world
    return [
      () => this.#any().end({ power: random.chance(0.5) }),
      () => this.#leader().end({ power: random.chance(0.5) }),
      () => this.#any().process?.killAfter(random.below(60)),
      () => this.#leader().process?.killAfter(random.below(200)),
      () => depose(this.#world, this.#leader()),
      () => {
        const power = random.chance(0.7)
        for (const each of servers) if (random.chance(0.9)) each.end({ power })
      },
    ]
  }

  #brokenLinks(): Cause[] {
    const { random, network } = this.#world
    return [
      () => network.reset(this.#host(), this.#host()),
      () => network.block(this.#host(), this.#host()),
      () => {
        const [a, b] = [this.#host(), this.#host()]
        network.block(a, b)
        network.block(b, a)
      },
      () => network.unblockAll(),
      () => isolate(this.#world, (random.chance(0.5) ? this.#leader() : this.#any()).host),
    ]
  }

  #partitions(): Cause[] {
    const { random, network } = this.#world
    return [
      () => split(this.#world),
      () => bridge(this.#world),
      () => flap(this.#world, this.#host(), this.#host()),
      () => network.unblock(this.#host(), this.#host()),
      () => network.slow(this.#host(), this.#host(), random.next() * 300),
    ]
  }

  #pauses(): Cause[] {
    const { random } = this.#world
    return [
      () => this.#any().process?.pause(random.next() * 3000),
      () => this.#leader().process?.pause(random.next() * 3000),
    ]
  }

  #diskFaults(): Cause[] {
    const { random } = this.#world
    return [
      () => this.#any().disk.stall(random.next() * 1500),
      () => this.#leader().disk.stall(random.next() * 800),
      () => this.#any().disk.failAfter(random.below(20)),
      () => this.#any().disk.fill(random.next() * 2000, { short: random.chance(0.5) }),
    ]
  }

  #clocks(): Cause[] {
    const { random } = this.#world
    return [
      () => this.#any().process?.drift(0.4 + random.next() * (fastestClock - 0.4)),
      () => {
        const { process } = this.#any()
        if (process !== undefined) process.wallSkewMs = random.below(2e7) - 1e7
      },
      () => strand(this.#world),
      () => strand(this.#world),
    ]
  }

  #clients(): Cause[] {
    const { network } = this.#world
    return [
      () => move(this.#world, this.#anyClient(), this.#any()),
      () => moveAhead(this.#world, this.#anyClient()),
      () => closeAmidst(this.#world, this.#anyClient()),
      () => this.#anyClient().close(),
      () => vanish(this.#world),
      () => network.reset(this.#anyClient().name, this.#host()),
    ]
  }

  #transfers(): Cause[] {
    const world = this.#world
    return [
      () => world.transfer(this.#leader(), undefined),
      () => world.transfer(this.#leader(), this.#any()),
      () => transferAmidst(world, this.#leader(), this.#any()),
    ]
  }

  #reconfigurations(): Cause[] {
    const world = this.#world
    const { random } = world
    return [
      () => world.change(),
      () => {
        // Those that may be added.
        for (const each of world.servers) if (random.chance(0.7)) each.start()
        world.change()
      },
      () => changeAmidst(world, this.#leader()),
    ]
  }

  /** The events that lead to this life's crash point, and the crash. */
  #focusedCauses(): Cause[] {
    const { random, servers } = this.#world
    const focus = this.#focus
    if (focus === undefined) return []
    const { act } = focus
    const killAny = (): void => {
      for (const each of servers) if (random.chance(0.7)) each.killAt(focus)
    }
    const provoke = (): void => {
      const victim = act.includes('TRUNC') ? this.#leader() : this.#any()
      if (act.includes('TRUNC')) depose(this.#world, victim)
      else if (act.includes('SNAP')) loseDisk(this.#world, victim, () => victim.wipe())
      else if (act.startsWith('recovery')) victim.end({ power: true })
      else if (act.startsWith('expire')) vanish(this.#world)
      else this.#leader().end({ power: random.chance(0.5) })
      if (act.startsWith('expire')) killAny()
      else victim.killAt(focus)
    }
    return [killAny, () => this.#any().killAt(focus), provoke, provoke]
  }
}
