// A controller that is told what changed decides what one decides that visits every partition: after
// any changes of the image, in any order. SEED=n repeats a run. Deadlines of elections by reports do not
// pass here: where everything is visited, some begin anew without a reason.

import t from 'tap'
import { encodeConfig } from '../../../src/broker/cluster/cluster-configs.ts'
import { ClusterImage } from '../../../src/broker/cluster/cluster-image.ts'
import { type ReplicaStatus, reportName } from '../../../src/broker/cluster/replica-status.ts'
import { Controller, type StateWrite } from '../../../src/broker/controller/controller.ts'
import type { PartitionState } from '../../../src/broker/partition/partition-state.ts'
import { allBrokers } from '../../../src/protocol/mq/configs.ts'
import { type BrokerId, type DirectoryId, noBroker } from '../../../src/protocol/mq/messages.ts'
import { Random } from '../../../src/random.ts'
import { ids, member } from '../partition/members.ts'

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
t.comment(`SEED=${seed}`)

const topics = ['goals', 'shots']
const partitions = [0, 1, 2]
const brokers = ids(1, 2, 3)

class ChangingImage {
  readonly image = new ClusterImage()
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  get #place() {
    return { topic: this.#random.pick(topics), partition: this.#random.pick(partitions) }
  }

  change(): void {
    const random = this.#random
    const { topic, partition } = this.#place
    const change = random.pick([
      () => this.#setTopic(topic),
      () => this.#setState(topic, partition),
      () => this.#setState(topic, partition),
      () => this.#setBroker(random.pick(brokers)),
      () => this.#setReport(topic, partition),
      () => this.#setReport(topic, partition),
      () => this.image.removeBroker(random.pick(brokers)),
      () => this.image.removeReport(random.pick([...this.image.reports.keys(), 'none'])),
      () => this.image.setBadState(topic, partition),
      () => this.image.setState(topic, partition, undefined),
      () => random.chance(0.2) && this.image.removeTopic(topic),
      () => this.#setConfig(topic),
    ])
    change()
  }

  /** As the driver does once a write has succeeded. */
  apply({ topic, partition, state }: StateWrite): void {
    this.image.setState(topic, partition, { ...state, version: state.version + 1 })
  }

  #setTopic(topic: string): void {
    const random = this.#random
    const replicas = Array.from({ length: 1 + random.below(3) }, () => {
      return random.shuffled(brokers).slice(0, 1 + random.below(3))
    })
    this.image.setTopic(topic, { topicId: `${topic}-${random.below(2)}`, replicas })
  }

  #setBroker(id: BrokerId): void {
    const epoch = this.#random.pick([id * 10, id * 10 + 1])
    const directory = `d${id}` as DirectoryId
    const isLeaving = this.#random.chance(0.2)
    this.image.setBroker({ id, host: 'h', port: 1, directory, epoch, session: epoch, isLeaving })
  }

  #setState(topic: string, partition: number): void {
    const random = this.#random
    const isr = brokers.filter(() => random.chance(0.7)).map((id) => member(id))
    const leader = random.chance(0.5) ? noBroker : (isr[0]?.broker ?? noBroker)
    const version = (this.image.state(topic, partition)?.version ?? 0) + 1
    const committed = random.chance(0.2) ? 5 : 0
    const state: PartitionState = {
      leader,
      leaderEpoch: 4,
      controllerEpoch: 1,
      isr,
      eligible: [],
      committed,
      uncleanEpoch: -1,
      version,
    }
    this.image.setState(topic, partition, state)
  }

  #setReport(topic: string, partition: number): void {
    const random = this.#random
    const broker = random.pick(brokers)
    const live = this.image.brokers.get(broker)
    const topicId = this.image.topics.get(topic)?.assignment.topicId ?? `${topic}-0`
    const known = { lastEpoch: 4, highWatermark: random.below(12) }
    const status: ReplicaStatus = random.chance(0.3)
      ? { type: random.pick(['unavailable', 'damaged'] as const), reason: 'r', ...known }
      : {
          type: random.pick(['whole', 'tail-cut', 'ahead'] as const),
          life: { directory: `d${broker}` as DirectoryId, brokerEpoch: live?.epoch ?? 0 },
          stateVersion: this.image.state(topic, partition)?.version ?? 0,
          end: 10,
          ...known,
        }
    const session = live?.session ?? 0
    this.image.setReport(reportName({ topicId, partition, broker }), { status, session })
  }

  #setConfig(topic: string): void {
    const random = this.#random
    const texts = new Map([['min.insync.replicas', String(1 + random.below(2))]])
    const entity = random.pick([
      { type: 'topic', name: topic } as const,
      { type: 'broker', name: allBrokers } as const,
    ])
    this.image.setConfig(entity, Buffer.from(encodeConfig(texts)))
  }
}

t.test('what changed is enough to decide as if everything were visited', async (t) => {
  const counts = { writes: 0, waits: 0, undecided: 0 }
  for (let life = 0; life < 150; life++) {
    const random = new Random(seed + life)
    const changing = new ChangingImage(random)
    const { image } = changing
    const changes = image.follow()
    const options = { epoch: 2, recoveryWaitMs: 1e6, rebalanceMs: 100 }
    const [told, seesAll] = [new Controller(options), new Controller(options)]
    let nowMs = 0
    for (let step = 0; step < 60; step++) {
      for (let count = random.below(3); count > 0; count--) changing.change()
      nowMs += random.below(20)
      const found = told.step(image, nowMs, changes.take())
      const wanted = seesAll.step(image, nowMs)
      t.strictSame(inOrder(found), inOrder(wanted), `SEED=${seed + life}, step ${step}`)
      if (random.chance(0.5)) for (const write of found.writes) changing.apply(write)
      counts.writes += found.writes.length
      counts.undecided += found.undecided.length
      if (found.askAgainAtMs !== undefined) counts.waits += 1
    }
  }
  t.ok(
    Object.values(counts).every((count) => count > 20),
    JSON.stringify(counts),
  )
})

function inOrder({ writes, undecided, askAgainAtMs }: ReturnType<Controller['step']>) {
  const texts = (all: readonly unknown[]) => all.map((one) => JSON.stringify(one)).sort()
  return { writes: texts(writes), undecided: texts(undecided), askAgainAtMs }
}
