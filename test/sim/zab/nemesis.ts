// The faults of a life of cores: one after the other, drawn by the weights of the life's faults
// (faults.ts). Each cause of a fault is as likely as the fault is heavy.

import { pickWeighted, type Weighted } from '../faults.ts'
import { crashPoints, transferCrashPoints } from './crash-points.ts'
import type { ZabFaults } from './faults.ts'
import { deposeLeader, forgetCommitted, leaveBehind, transferAmidst, waver } from './scenes.ts'
import type { ZabWorld } from './world.ts'

type Cause = () => void

/** The faults that have causes; the others are properties of the world. */
type CausedFault = Exclude<
  keyof ZabFaults,
  | 'servers'
  | 'observers'
  | 'networkMs'
  | 'diskMs'
  | 'treeMs'
  | 'epochCounterMax'
  | 'halfOpenMs'
  | 'hopeless'
>

export class Nemesis {
  readonly #world: ZabWorld
  readonly #faults: ZabFaults
  readonly #causes: readonly Weighted<Cause>[]
  #farLies = 0

  constructor(world: ZabWorld, faults: ZabFaults) {
    this.#world = world
    this.#faults = faults
    const of = (fault: CausedFault, causes: readonly Cause[]): Weighted<Cause>[] =>
      causes.map((item) => ({ item, weight: faults[fault] }))
    this.#causes = [
      ...of('brokenLinks', this.#brokenLinks()),
      { item: () => world.network.healAll(), weight: 1 },
      ...of('handovers', [() => world.handover()]),
      ...of('lonelyProposals', [() => this.#proposeAlone()]),
      ...of('crashes', this.#crashes()),
      ...of('blocks', this.#blocks()),
      ...of('forgeries', this.#forgeries()),
      ...of('stalls', this.#stalls()),
      ...of('pauses', this.#pauses()),
      ...of('wipes', this.#wipes()),
      ...of('purges', this.#purges()),
      ...of('drifts', [() => world.drift(this.#any(), 0.3 + world.random.next() * 1.5)]),
      ...of('lies', this.#lies()),
      ...of('reconfigurations', [() => world.reconfigure()]),
      ...of('transfers', this.#transfers()),
      ...of('boasts', [() => this.#boast()]),
    ]
  }

  strike(): void {
    pickWeighted(this.#causes, this.#world.random)?.()
  }

  // --- who ---------------------------------------------------------------------------------------

  #any(): number {
    return this.#world.random.pick(this.#world.servers).id
  }

  #leader(): number {
    return this.#world.leader() ?? this.#any()
  }

  get #ids(): readonly number[] {
    return this.#world.servers.map(({ id }) => id)
  }

  // --- what --------------------------------------------------------------------------------------

  #brokenLinks(): Cause[] {
    const { network } = this.#world
    return [
      () => network.drop(this.#any(), this.#any()),
      () => network.cut(this.#any(), this.#any()),
    ]
  }

  /** What a leader proposes alone is later cut off its log, or becomes history after all. */
  #proposeAlone(): void {
    const { random, network } = this.#world
    const leader = this.#world.leader()
    if (leader === undefined) return
    for (const id of this.#ids) network.block(leader, id)
    this.#world.proposeSome(1 + random.below(3))
    if (this.#faults.crashes > 0 && random.chance(0.5)) {
      this.#world.crashSoon(leader, random.below(10))
    }
  }

  #crashes(): Cause[] {
    const world = this.#world
    const { random } = world
    return [
      () => world.crash(this.#any()),
      () => world.crash(this.#leader()),
      () => world.crashSoon(this.#any(), random.below(12)),
      () => world.crashSoon(this.#any(), random.below(40)),
      () => world.crashAt(random.pick(crashPoints)),
      () => {
        if (random.chance(0.3)) for (const id of this.#ids) world.crash(id)
      },
    ]
  }

  #blocks(): Cause[] {
    const { random, network } = this.#world
    return [
      () => network.block(this.#any(), this.#any()),
      () => network.unblock(this.#any(), this.#any()),
      () => {
        if (random.chance(0.3)) return deposeLeader(this.#world)
        const alone = this.#any()
        for (const id of this.#ids) {
          network.block(alone, id)
          if (random.chance(0.5)) network.block(id, alone)
        }
      },
      () => network.stall(this.#any(), this.#any(), random.next() * 2500),
      () => network.isolate(this.#leader(), random.next() * 2500),
    ]
  }

  #forgeries(): Cause[] {
    const { random, network, lies } = this.#world
    return [
      () => lies.elect(this.#any(), this.#any(), { everybody: true }),
      () => lies.elect(this.#any(), this.#any(), { everybody: false }),
      () => {
        const leader = this.#any()
        for (const id of this.#ids) lies.elect(id, leader, { everybody: random.chance(0.5) })
      },
      () => network.drop(this.#leader(), this.#any()),
      () => waver(this.#world),
    ]
  }

  #stalls(): Cause[] {
    const world = this.#world
    const { random, network } = world
    return [
      () => world.stallDisk(this.#any(), 'log', random.next() * 800),
      () => world.stallDisk(this.#any(), 'epochs', random.next() * 800),
      () => {
        // It may lead again before its own disk has what it proposed.
        const leader = this.#leader()
        world.stallDisk(leader, 'log', 200 + random.next() * 800)
        world.proposeSome(1 + random.below(3))
        for (const id of this.#ids) network.drop(leader, id)
      },
    ]
  }

  #pauses(): Cause[] {
    const world = this.#world
    const { random, network } = world
    return [
      () => world.pause(this.#any(), random.next() * 2000),
      () => {
        // The servers that it does not hear continue without it, and their messages wait in its
        // sockets.
        const id = this.#leader()
        if (this.#faults.blocks > 0) network.isolate(id, random.next() * 5000)
        world.pause(id, random.next() * 2500)
      },
    ]
  }

  #wipes(): Cause[] {
    const anyhow = this.#faults.hopeless > 0
    return [
      () => this.#world.wipe(this.#any(), { anyhow }),
      () => forgetCommitted(this.#world, { anyhow }),
    ]
  }

  #purges(): Cause[] {
    const world = this.#world
    return [
      () => world.purge(this.#any()),
      () => world.purge(this.#leader()),
      () => leaveBehind(world),
    ]
  }

  #transfers(): Cause[] {
    const world = this.#world
    const { random } = world
    const { crashes, stalls, brokenLinks } = this.#faults
    return [
      () => world.transfer({ leaves: random.chance(0.5) }),
      () => world.transfer({ to: this.#any(), leaves: random.chance(0.5) }),
      () => transferAmidst(world, { stall: stalls > 0, crash: false, drop: brokenLinks > 0 }),
      () => {
        if (crashes === 0) return world.transfer({ leaves: false })
        if (random.chance(0.5)) world.crashAt(random.pick(transferCrashPoints))
        transferAmidst(world, { stall: stalls > 0, crash: true, drop: brokenLinks > 0 })
      },
    ]
  }

  #boast(): void {
    const { network, random, servers, lies } = this.#world
    const observers = servers.filter(({ votes }) => !votes)
    lies.boast()
    if (observers.length > 0) network.drop(random.pick(observers).id, this.#leader())
  }

  #lies(): Cause[] {
    const world = this.#world
    const { random, lies } = world
    return [
      () => lies.stranger(this.#any(), this.#any()),
      () => {
        const gone = this.#any()
        world.crash(gone)
        world.run(random.next() * 1000)
        for (const id of this.#ids) lies.stranger(id, gone)
      },
      () => lies.misannounce('behind'),
      () => {
        // Each raises an epoch by half of what is accepted at once, so one must suffice.
        if (this.#farLies++ === 0) lies.misannounce('far')
      },
    ]
  }
}
