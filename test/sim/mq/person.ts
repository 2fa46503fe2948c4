// An operator who finds a partition without a leader when all brokers are back: as with `zw topics
// recover`, they see what each replica has and choose one that loses least, or leave it because
// they expect a disk to return.

import { offsetsTopic } from '../../../src/broker/group/offsets-topic.ts'
import type { MqAdmin } from '../../../src/client/mq/mq-admin.ts'
import { invariant } from '../../../src/invariant.ts'
import { decodeBatch, forEachBatch } from '../../../src/protocol/mq/record-batch.ts'
import type { RecoveryChoice, RecoveryChoices } from '../../../src/protocol/mq/recover.ts'
import { takeLogAway } from './damage.ts'
import type { MqWorld } from './life.ts'
import { textOf, topic } from './load.ts'
import type { SimBroker } from './sim-broker.ts'

/** Within this time a broker that is back has reported on its logs. */
const reportMs = 1000

export class Person {
  readonly #world: MqWorld
  readonly #admin: MqAdmin

  constructor(world: MqWorld) {
    this.#world = world
    this.#admin = world.makeAdmin('person')
  }

  /** @returns whether the partition gets a leader */
  async decide(partition: number): Promise<boolean> {
    const world = this.#world
    let found = await this.#choices(partition)
    this.#mustWait(partition, found.choices)
    if (world.random.chance(0.25)) {
      world.cover('left unavailable')
      return false
    }
    if (!found.choices.some(({ mayLead }) => mayLead)) {
      await this.#takeLogAway(partition)
      found = await this.#choices(partition)
    }
    const [best] = found.choices.filter(({ mayLead }) => mayLead).sort(byLoss)
    invariant(best !== undefined, `a person has a choice: ${JSON.stringify(found)}`)
    const common = this.#commonWith(partition, best.broker)
    const lost = world.checker.committedEnd(partition) - common
    world.trace?.(
      `a person chooses ${best.broker} for ${partition}: ${common} are left, ${lost} lost`,
    )
    world.cover(lost > 0 ? 'lost by a choice' : 'nothing lost by a choice')
    // What is lost is also lost for consumers that had read it: they begin again.
    if (lost > 0) for (const consumer of world.consumers) void consumer.close()
    world.show({ type: 'chosen', partition, common, losesAtMost: best.losesAtMost })
    await this.#waitFor(
      this.#admin.recover({ topic, partition, leader: best.broker, version: found.version }),
    )
    await world.until('who was chosen leads', () =>
      world.brokers.some((broker) => broker.leads(partition)),
    )
    return true
  }

  /** The partition in which groups are stored gets a leader; what it lacks is lost. */
  async decideOnGroups(): Promise<void> {
    const world = this.#world
    let found = await this.#choices(0, offsetsTopic)
    this.#mustWait(0, found.choices, offsetsTopic)
    if (!found.choices.some(({ mayLead }) => mayLead)) {
      const broker = world.brokers.find(({ groupReplicas }) => groupReplicas.length === 0)
      if (broker !== undefined) await this.#replaceLog(broker, offsetsTopic, 0)
      found = await this.#choices(0, offsetsTopic)
    }
    const [best] = found.choices.filter(({ mayLead }) => mayLead).sort(byLoss)
    invariant(best !== undefined, `a person has a choice: ${JSON.stringify(found)}`)
    world.cover('groups decided by a person')
    world.show({ type: 'groupsChosen' })
    const choice = {
      topic: offsetsTopic,
      partition: 0,
      leader: best.broker,
      version: found.version,
    }
    await this.#waitFor(this.#admin.recover(choice))
    await world.until('who was chosen leads', () => !world.areGroupsLeaderless)
  }

  async #choices(partition: number, of = topic): Promise<RecoveryChoices> {
    const found = await this.#waitFor(this.#admin.recoveryChoices(of, partition))
    invariant(found.leader < 0, 'a partition that waits for a person has no leader')
    return found
  }

  /**
   * All logs are damaged: one begins again empty, and what the others have is lost unless it is
   * saved elsewhere.
   */
  async #takeLogAway(partition: number): Promise<void> {
    const world = this.#world
    const broker = world.brokers.find((each) => world.unavailableAt(each).includes(partition))
    if (broker !== undefined) await this.#replaceLog(broker, topic, partition)
  }

  async #replaceLog(broker: SimBroker, of: string, partition: number): Promise<void> {
    const world = this.#world
    world.cover('damaged log taken away')
    broker.end({ power: false })
    takeLogAway(broker.disk, world.directoryOf(of, partition) ?? '')
    broker.start()
    await world.until('a broker is back', () => broker.brokerEpoch !== undefined)
    await world.run(reportMs)
  }

  close(): void {
    this.#admin.close()
  }

  /**
   * Checks that the budget of the partition's disks is spent, or that what is left of it has a torn
   * tail and may have lost durable records.
   */
  #mustWait(partition: number, choices: readonly RecoveryChoice[], of = topic): void {
    const { budget } = this.#world
    const state = this.#world.stateOf(partition, of)
    const whole = state?.isr.filter((member) => budget.isWhole(member)) ?? []
    const found = JSON.stringify({ state, choices })
    invariant(
      whole.every(
        ({ broker }) => choices.find((each) => each.broker === broker)?.condition === 'tail-cut',
      ),
      `a partition with a whole disk in its ISR has a leader: ${partition} ${found}`,
    )
  }

  /**
   * Up to where the chosen log has what is committed, or had it: retention and compaction may have
   * removed some of it.
   */
  #commonWith(partition: number, id: number): number {
    const { brokers, checker } = this.#world
    const replica = brokers
      .find((broker) => broker.id === id)
      ?.replicas.find((each) => each.partition === partition)
    if (replica === undefined) return 0
    const { logEnd } = replica
    for (let at = replica.logStart; at < logEnd; ) {
      const records = recordsIn(replica.peek(at, logEnd))
      for (const { offset, value } of records) {
        if (checker.committedValue(partition, offset) !== value) return offset
        at = offset + 1
      }
      if (records.length === 0) break
    }
    return Math.min(logEnd, checker.committedEnd(partition))
  }

  /** Waits while the world runs. */
  async #waitFor<T>(asked: Promise<T>): Promise<T> {
    let answer: { readonly value: T } | undefined
    asked.then(
      (value) => {
        answer = { value }
      },
      (error: Error) => this.#world.fail(error),
    )
    await this.#world.until('a person is answered', () => answer !== undefined)
    if (answer === undefined) throw new Error('There is no answer')
    return answer.value
  }
}

function recordsIn(
  batches: Buffer,
): readonly { readonly offset: number; readonly value: string }[] {
  const records: { readonly offset: number; readonly value: string }[] = []
  forEachBatch(batches, (at) => {
    for (const record of decodeBatch(batches, at)) {
      records.push({ offset: record.offset, value: textOf(record) })
    }
  })
  return records
}

function byLoss(a: RecoveryChoice, b: RecoveryChoice): number {
  const lossOf = ({ losesAtMost = Number.POSITIVE_INFINITY }: RecoveryChoice): number => losesAtMost
  return lossOf(a) === lossOf(b) ? (b.end ?? 0) - (a.end ?? 0) : lossOf(a) - lossOf(b)
}
