// A partition's three replicas, its znode, a controller and a producer in one process, moved by a
// seed: crashes that lose what is not durable, answers that come late or never, ISR writes whose
// outcome is not known. Every step is checked; see `simulation.test.ts`.

import { strict as assert } from 'node:assert'
import { Partition, type PartitionState } from '../../../src/broker/partition/partition.ts'
import { type BrokerId, noBroker } from '../../../src/protocol/mq/messages.ts'
import type { BatchHeader, ProducerId } from '../../../src/protocol/mq/record-batch.ts'
import { Random } from '../../../src/random.ts'

const brokerIds = [1, 2, 3] as BrokerId[]
const producerId = 7 as ProducerId
const lagTimeMsMax = 50

interface Replica {
  readonly id: BrokerId
  core: Partition
  log: BatchHeader[]
  durableCount: number
  brokerEpoch: number
  alive: boolean
  checkpoint: number
  /** in flight; more than one only when an older one is of another epoch */
  isrWrites: PartitionState[]
}

interface Answer {
  readonly to: Replica
  readonly core: Partition
  readonly leaderEpoch: number
  readonly asked: number
  readonly diverging: { epoch: number; endOffset: number } | undefined
  readonly batches: readonly BatchHeader[]
  readonly highWatermark: number
}

export class PartitionWorld {
  readonly #random: Random
  readonly #replicas: Replica[]
  #znode: PartitionState
  #nextBrokerEpoch = 100
  readonly #crashRate: number
  #nowMs = 0
  #answers: Answer[] = []
  /** what the producer waits for, by sequence; all before `#ackedBelow` is acked */
  readonly #unacked = new Map<number, { offset: number; core: Partition; epoch: number }>()
  #ackedBelow = 0
  /** what somebody was told: offset → sequence */
  readonly #seen = new Map<number, number>()
  readonly acked = new Set<number>()
  readonly counts = { elections: 0, truncations: 0, duplicates: 0, crashes: 0, isrChanges: 0 }

  constructor(seed: number) {
    this.#random = new Random(seed)
    this.#crashRate = this.#random.pick([0.05, 0.2, 0.5, 1])
    this.#replicas = brokerIds.map((id) => {
      const brokerEpoch = this.#nextBrokerEpoch++
      const none = { log: [], durableCount: 0, checkpoint: 0 }
      return { id, core: newCore(id), brokerEpoch, alive: true, isrWrites: [], ...none }
    })
    this.#znode = {
      leader: 1 as BrokerId,
      leaderBrokerEpoch: 100,
      leaderEpoch: 0,
      controllerEpoch: 1,
      isr: brokerIds,
      version: 0,
    }
  }

  step(): void {
    this.#nowMs += this.#random.below(5)
    const replica = this.#random.pick(this.#replicas)
    const dice = this.#random.below(100)
    if (dice < 25) this.#produce()
    else if (dice < 45) this.#fetch(replica)
    else if (dice < 65) this.#deliver()
    else if (dice < 77) this.#sync(replica)
    else if (dice < 83) this.#readZnode(replica)
    else if (dice < 88) this.#controller()
    else if (dice < 93) this.#isr(replica)
    else if (dice < 97) this.#restart(replica)
    else if (dice < 98) this.#maybeCrash(replica)
    else replica.checkpoint = Math.min(replica.core.highWatermark, replica.durableCount)
    this.#check()
  }

  /** Everybody lives and everything arrives: the logs must become one. */
  heal(): void {
    for (let i = 0; i < 300; i++) {
      this.#nowMs += 1
      this.#controller()
      for (const replica of this.#replicas) {
        this.#restart(replica)
        this.#readZnode(replica)
        this.#sync(replica, true)
        this.#fetch(replica)
        while (this.#answers.length > 0) this.#deliver()
        this.#isr(replica)
      }
      this.#check()
    }
    const [first, ...others] = this.#replicas as [Replica, ...Replica[]]
    const sequences = first.log.map((batch) => batch.baseSequence)
    for (const other of others) assert.deepEqual(other.log, first.log, 'all logs are equal')
    assert.deepEqual(sequences, [...sequences.keys()], 'each batch once, in order')
    for (const replica of this.#replicas) {
      assert.equal(replica.core.highWatermark, first.log.length, 'all of it is committed')
    }
    for (const sequence of this.acked) assert.ok(sequence < sequences.length, 'acked, so kept')
    assert.deepEqual(this.#znode.isr, brokerIds, 'everybody is back in the ISR')
  }

  /** One producer with eight batches under way, each sent again until it is acked. */
  #produce(): void {
    const leader = this.#random.pick(this.#replicas)
    if (!leader.alive) return
    const sequence = this.#ackedBelow + this.#random.below(8)
    const header = this.#header(leader, sequence)
    const verdict = leader.core.judgeProduce(header, true)
    const { core } = leader
    const epoch = core.leaderEpoch
    if (verdict.type === 'next') {
      leader.log.push(header)
      core.appended(header)
      this.#unacked.set(sequence, { offset: header.baseOffset, core, epoch })
    } else if (verdict.type === 'duplicate') {
      this.counts.duplicates += 1
      this.#unacked.set(sequence, { offset: verdict.baseOffset, core, epoch })
    } else if (verdict.type === 'early' && sequence === this.#ackedBelow) {
      assert.notEqual(epoch, this.#znode.leaderEpoch, 'a leader has everything acked')
    }
  }

  #header(leader: Replica, sequence: number): BatchHeader {
    return {
      baseOffset: leader.core.logEnd,
      leaderEpoch: leader.core.leaderEpoch,
      sizeBytes: 100,
      attributes: 0,
      lastOffsetDelta: 0,
      baseTimestampMs: 0,
      maxTimestampMs: 0,
      producerId,
      producerEpoch: 0,
      baseSequence: sequence,
      recordCount: 1,
    }
  }

  #fetch(follower: Replica): void {
    const { role, leaderEpoch, logEnd: offset, lastEpoch } = follower.core
    if (!follower.alive || role.type !== 'following') return
    if (follower.durableCount !== follower.log.length) return // it fetches when durable
    const leader = this.#replica(role.leader)
    if (!leader.alive) return
    const asked = { leaderEpoch, offset, lastEpoch }
    const verdict = leader.core.followerFetched(follower.id, asked, this.#nowMs)
    if (verdict.type === 'refused') return
    const diverging = verdict.type === 'diverging' ? verdict : undefined
    const limit = offset + 1 + this.#random.below(4)
    const batches = diverging === undefined ? leader.log.slice(offset, limit) : []
    const { highWatermark } = leader.core
    const to = { to: follower, core: follower.core, leaderEpoch, asked: offset }
    this.#answers.push({ ...to, diverging, batches, highWatermark })
  }

  #deliver(): void {
    const answer = this.#answers.splice(this.#random.below(this.#answers.length || 1), 1)[0]
    if (answer === undefined || this.#random.chance(0.1)) return
    const { to: replica, core, leaderEpoch, diverging, batches, highWatermark } = answer
    if (!replica.alive || replica.core !== core) return
    if (core.role.type !== 'following' || core.leaderEpoch !== leaderEpoch) return
    if (core.logEnd !== answer.asked) return
    if (diverging !== undefined) {
      const end = core.truncationPoint(diverging)
      this.counts.truncations += 1
      replica.log.length = end
      replica.durableCount = Math.min(replica.durableCount, end)
      if (!core.truncated(end)) {
        core.forgetProducers()
        for (const batch of replica.log) core.rememberProducer(batch)
      }
      return
    }
    for (const batch of batches) {
      assert.ok(core.continuesLog(batch, leaderEpoch), 'what a leader sends continues the log')
      replica.log.push(batch)
      core.appended(batch)
    }
    core.learnHighWatermark(highWatermark)
  }

  #sync(replica: Replica, isWhole = false): void {
    if (!replica.alive) return
    const waiting = replica.log.length - replica.durableCount
    replica.durableCount += isWhole ? waiting : this.#random.below(waiting + 1)
    replica.core.durable(replica.durableCount, this.#nowMs)
  }

  #readZnode(replica: Replica): void {
    if (replica.alive) replica.core.become(this.#znode, replica.brokerEpoch, this.#nowMs)
  }

  /** Proposes; or lets the write in flight happen, fail, or happen without being heard of. */
  #isr(replica: Replica): void {
    if (!replica.alive) return
    const proposed = replica.core.proposeIsr(this.#nowMs)
    if (proposed !== undefined) replica.isrWrites.push(proposed)
    const write = replica.isrWrites[0]
    if (write === undefined || this.#random.chance(0.5)) return
    replica.isrWrites.shift()
    if (write.version === this.#znode.version && this.#random.chance(0.8)) {
      this.#znode = { ...write, version: write.version + 1 }
      this.counts.isrChanges += 1
    }
    this.#readZnode(replica)
    replica.core.isrWriteEnded(write.leaderEpoch, this.#nowMs)
  }

  #controller(): void {
    const { leader, isr, leaderBrokerEpoch } = this.#znode
    const alive = isr.filter((id) => this.#replica(id).alive)
    const left = alive.length > 0 ? alive : isr.slice(-1)
    const isLed =
      leader !== noBroker &&
      this.#replica(leader).alive &&
      this.#replica(leader).brokerEpoch === leaderBrokerEpoch
    if (isLed && left.length === isr.length) return
    for (const replica of this.#replicas) {
      if (replica.alive) continue
      for (const other of this.#replicas) other.core.followerGone(replica.id)
    }
    const next = isLed ? leader : (alive[0] ?? noBroker)
    if (next === leader && left.length === isr.length && next === noBroker) return
    const { leaderEpoch, version } = this.#znode
    this.#znode = {
      ...this.#znode,
      leader: next,
      leaderBrokerEpoch: next === noBroker ? 0 : this.#replica(next).brokerEpoch,
      leaderEpoch: isLed ? leaderEpoch : leaderEpoch + 1,
      isr: left,
      version: version + 1,
    }
    if (!isLed) this.counts.elections += 1
  }

  #maybeCrash(replica: Replica): void {
    if (!replica.alive || !this.#random.chance(this.#crashRate)) return
    this.counts.crashes += 1
    replica.alive = false
    // Any part of what was written and not synced may have survived.
    const lost = replica.log.length - replica.durableCount
    replica.log.length = replica.durableCount + this.#random.below(lost + 1)
    replica.durableCount = replica.log.length
    replica.isrWrites = []
  }

  #restart(replica: Replica): void {
    if (replica.alive) return
    replica.alive = true
    replica.brokerEpoch = this.#nextBrokerEpoch++
    replica.core = newCore(replica.id)
    for (const batch of replica.log) replica.core.appended(batch)
    replica.core.opened(replica.checkpoint)
  }

  #check(): void {
    for (const [sequence, { offset, core, epoch }] of this.#unacked) {
      if (core.role.type !== 'leading' || core.leaderEpoch !== epoch) {
        this.#unacked.delete(sequence)
      } else if (core.highWatermark > offset) {
        const copies = this.#replicas.filter((replica) => replica.durableCount > offset)
        assert.ok(copies.length >= 2, 'what is acked is on two disks')
        this.#tell(offset, sequence)
        this.acked.add(sequence)
        this.#unacked.delete(sequence)
      }
    }
    while (this.acked.has(this.#ackedBelow)) this.#ackedBelow += 1
    for (const { core, log, alive } of this.#replicas) {
      if (!alive) continue
      const end = core.highWatermark
      assert.ok(end <= log.length, 'the high watermark is within the log')
      for (let offset = end - 1; offset >= 0 && offset >= end - 5; offset--) {
        this.#tell(offset, (log[offset] as BatchHeader).baseSequence)
      }
    }
  }

  /** What a consumer or producer was told about an offset stays true for ever, on every replica. */
  #tell(offset: number, sequence: number): void {
    const before = this.#seen.get(offset) ?? sequence
    assert.equal(sequence, before, `offset ${offset} holds what was seen there before`)
    this.#seen.set(offset, sequence)
  }

  #replica(id: BrokerId): Replica {
    const found = this.#replicas.find((replica) => replica.id === id)
    assert.ok(found)
    return found
  }
}

function newCore(self: BrokerId): Partition {
  return new Partition({ self, replicas: brokerIds, minInsyncReplicas: 2, lagTimeMsMax })
}
