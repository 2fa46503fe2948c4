// The faults of disks in a life of brokers: lost, damaged, replaced by old copies. Each loss is
// within the budget of every partition (disk-budget.ts), except `loseIsr`, which may exceed it:
// then nothing may be lost silently.

import { isBelow } from '../../../src/broker/cluster/identity.ts'
import type { DiskCopy, SimDisk } from '../disk.ts'
import * as damage from './damage.ts'
import type { FaultName } from './faults.ts'
import type { MqWorld } from './life.ts'
import type { SimBroker } from './sim-broker.ts'

/**
 * After a loss that its broker cannot notice, all brokers return before an election proceeds
 * without them.
 */
const healMsMin = 500
const healMsMax = 3000
const healAgainMs = 500
/** Within this time everything sent has arrived, over open ways. */
const arrivedMs = 500

interface DiskLoss {
  readonly fault: FaultName
  readonly isTold: boolean
  readonly lose: (disk: SimDisk) => void
}

export class DiskNemesis {
  readonly #world: MqWorld
  readonly #copies = new Map<SimBroker, DiskCopy>()
  /** No other fault happens until every disk that lacks something is in sync again. */
  isHealing = false

  constructor(world: MqWorld) {
    this.#world = world
  }

  wipe(broker: SimBroker): void {
    this.#strike(broker, this.#wiping(broker))
  }

  /** The first time, all disks are copied. */
  bringBackOldCopy(broker: SimBroker): void {
    const putting = this.#puttingBack(broker)
    if (putting === undefined || !this.#strike(broker, putting)) this.#copyAll()
  }

  turnBits(broker: SimBroker): void {
    const { random } = this.#world
    const share = random.chance(0.5) ? 1 : random.next()
    const lose = (disk: SimDisk): void => damage.turnBits(disk, share)
    this.#strike(broker, { fault: 'bitFlips', isTold: false, lose })
  }

  cutTails(broker: SimBroker): void {
    const lose = (disk: SimDisk): void => damage.cutTails(disk, this.#world.random)
    this.#strike(broker, { fault: 'cutTails', isTold: false, lose })
  }

  /** Only losses that can be noticed: for others nothing is promised beyond the budget. */
  loseIsr(): void {
    const { random, brokers, budget } = this.#world
    const states = this.#world.states
    if (states === undefined || budget.isInDoubt(states)) return
    const spared = random.chance(0.5) ? undefined : random.pick(brokers)
    for (const broker of brokers) {
      if (broker !== spared) this.#lose(broker, this.#toldLoss(broker))
      else if (random.chance(0.5)) broker.end({ power: true })
    }
    this.#world.cover('lostIsrs')
    for (const broker of brokers) this.#reviveLater(broker, 3000)
  }

  /**
   * As for whole servers (servers/life.ts): any majority of the others has everything committed.
   */
  wipeServer(): void {
    const { random, servers, lastZxid } = this.#world
    const server = random.pick(servers)
    const { logged = Number.POSITIVE_INFINITY } = server
    const others = servers.filter((each) => each !== server)
    const whole = others.filter((each) => each.isCounted && (each.logged ?? -1) >= lastZxid)
    if (whole.length < 2 || logged > lastZxid) return
    server.wipe()
    this.#world.cover('wipedServers')
    this.#world.later(random.next() * 2000, () => this.#revive(server))
  }

  // --- what a disk loses
  // ---------------------------------------------------------------------------

  #wiping({ disk }: SimBroker): DiskLoss {
    // Only the logs: their checkpoint is another file.
    const isOfLogs = this.#world.random.chance(0.3) && damage.isCheckpointed(disk)
    const lose = (lost: SimDisk): void => {
      if (isOfLogs) for (const name of [...lost.logs.keys()]) lost.loseLog(name)
      else lost.wipe()
    }
    return { fault: 'wipedDisks', isTold: true, lose }
  }

  /** @returns undefined without a copy */
  #puttingBack(broker: SimBroker): DiskLoss | undefined {
    const copy = this.#copies.get(broker)
    const identity = copy && damage.identityOf(copy)
    if (copy === undefined || identity === undefined) return undefined
    const known = this.#world.markOf(identity.directoryId)
    const isTold = known !== undefined && isBelow(identity.mark, known)
    return { fault: 'oldCopies', isTold, lose: (disk) => disk.putBack(copy) }
  }

  #toldLoss(broker: SimBroker): DiskLoss {
    const { random } = this.#world
    const putting = this.#puttingBack(broker)
    if (putting?.isTold === true && random.chance(0.3)) return putting
    if (random.chance(0.5) || !damage.isCheckpointed(broker.disk)) return this.#wiping(broker)
    return { fault: 'bitFlips', isTold: true, lose: damage.damageLogs }
  }

  #copyAll(): void {
    for (const broker of this.#world.brokers) this.#copies.set(broker, broker.disk.copy())
  }

  // --- how it is lost
  // ------------------------------------------------------------------------------

  /** @returns whether the budget allows it */
  #strike(broker: SimBroker, loss: DiskLoss): boolean {
    if (!this.#isAllowed(broker, loss)) return false
    if (loss.isTold) {
      this.#loseAmongOthers(broker, loss)
      return true
    }
    // The broker's ISR write may be in flight: its disk is not lost before that has arrived.
    this.isHealing = true
    broker.end({ power: true })
    this.#world.network.unblockAll()
    this.#world.later(arrivedMs, () => {
      this.isHealing = false
      if (broker.process !== undefined || !this.#isAllowed(broker, loss)) return
      this.#loseAmongOthers(broker, loss)
      this.#healSoon()
    })
    return true
  }

  #isAllowed({ id }: SimBroker, { isTold }: DiskLoss): boolean {
    const { budget, states } = this.#world
    return states !== undefined && budget.allows(states, { broker: id, isTold })
  }

  #loseAmongOthers(broker: SimBroker, loss: DiskLoss): void {
    const { random, brokers } = this.#world
    this.#lose(broker, loss)
    const isAlone = random.chance(loss.isTold ? 0.6 : 0.3)
    for (const other of brokers) {
      if (isAlone || other === broker) continue
      other.end({ power: true })
      this.#reviveLater(other, 4000)
    }
    this.#reviveLater(broker, random.chance(0.5) ? 100 : 2000)
  }

  #lose(broker: SimBroker, { fault, isTold, lose }: DiskLoss): void {
    this.#world.loseDisk(broker, lose, { isTold, isHidden: fault === 'bitFlips' })
    this.#world.cover(fault)
    this.#world.cover(isTold ? 'loss that is told' : 'loss that is not told')
  }

  #reviveLater(broker: SimBroker, withinMs: number): void {
    const { random } = this.#world
    this.#world.later(random.next() * withinMs, () => this.#revive(broker))
  }

  #revive(host: { start(): void }): void {
    if (!this.#world.isSettling) host.start()
  }

  #healSoon(): void {
    this.isHealing = true
    const heal = (): void => {
      const { states, budget } = this.#world
      if (states !== undefined && !budget.isInDoubt(states)) {
        this.isHealing = false
        return
      }
      this.#world.healAll()
      this.#world.later(healAgainMs, heal)
    }
    this.#world.later(healMsMin + this.#world.random.next() * (healMsMax - healMsMin), heal)
  }
}
