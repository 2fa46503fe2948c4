// A partition's three replicas, its znode, a controller and a producer in one process, driven by a
// seed: crashes that lose what is not durable, late or lost answers, ISR writes with unknown
// outcomes, and disks that are wiped, replaced by old copies, damaged or cut while their broker is
// down. Every step is checked; see `simulation.test.ts`.
//
// The fault budget: a disk may suffer while another disk that was in sync is intact, and an
// election by reports runs out of time only while such a disk is present.

import { strict as assert } from 'node:assert'
import { ClusterImage } from '../../../src/broker/cluster/cluster-image.ts'
import {
  isFault,
  type LogCondition,
  type ReplicaStatus,
  reportName,
} from '../../../src/broker/cluster/replica-status.ts'
import { Controller } from '../../../src/broker/controller/controller.ts'
import { emptySnapshot } from '../../../src/broker/partition/log-snapshot.ts'
import { Partition } from '../../../src/broker/partition/partition.ts'
import {
  isSameLife,
  type Member,
  memberOf,
  type PartitionState,
} from '../../../src/broker/partition/partition-state.ts'
import {
  type BrokerId,
  type DirectoryId,
  type Life,
  noBroker,
} from '../../../src/protocol/mq/messages.ts'
import type { BatchHeader, ProducerId } from '../../../src/protocol/mq/record-batch.ts'
import { Random } from '../../../src/random.ts'

const brokerIds = [1, 2, 3] as BrokerId[]
const producerId = 7 as ProducerId
const lagTimeMsMax = 50
const minInsyncReplicas = 2
const recoveryWaitMs = 100
const historyLengthMax = 40

/** Faults of a disk while its broker is down. The last is not noticed at the start. */
const faults = ['wiped', 'put back', 'damaged', 'tail cut', 'lost writes'] as const
type Fault = (typeof faults)[number]

interface Replica {
  readonly id: BrokerId
  core: Partition
  log: BatchHeader[]
  durableCount: number
  directory: DirectoryId
  brokerEpoch: number
  alive: boolean
  checkpoint: number
  condition: LogCondition | 'damaged'
  /** whether it has everything that it ever acknowledged */
  isIntact: boolean
  /** the state that it read last */
  known: PartitionState
  report: ReplicaStatus | undefined
  /** as copied before its last start */
  copy: readonly BatchHeader[]
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
  #controllerEpoch = 0
  #controller: Controller
  #nextBrokerEpoch = 100
  #nextDirectory = 1
  readonly #crashRate: number
  readonly #faultRate: number
  #nowMs = 0
  #answers: Answer[] = []
  /** the producer's unacknowledged batches, by sequence; all before `#ackedBelow` is acked */
  readonly #unacked = new Map<number, { offset: number; core: Partition; epoch: number }>()
  #ackedBelow = 0
  /** what a client was shown: offset → sequence */
  readonly #seen = new Map<number, number>()
  readonly acked = new Set<number>()
  /** the last events, for a life that fails */
  readonly history: string[] = []
  readonly counts = {
    elections: 0,
    'elections by reports': 0,
    'elections among the eligible': 0,
    truncations: 0,
    duplicates: 0,
    crashes: 0,
    'crashes of all': 0,
    isrChanges: 0,
    wiped: 0,
    'put back': 0,
    damaged: 0,
    'tail cut': 0,
    'lost writes': 0,
  }

  constructor(seed: number) {
    this.#random = new Random(seed)
    this.#crashRate = this.#random.pick([0.05, 0.2, 0.5, 1])
    this.#faultRate = this.#random.pick([0, 0.2, 0.6])
    this.#controller = this.#newController()
    const state = {
      leader: 1 as BrokerId,
      leaderEpoch: 0,
      controllerEpoch: 1,
      eligible: [],
      committed: 0,
      uncleanEpoch: -1,
      version: 0,
    }
    const isr: Member[] = []
    this.#replicas = brokerIds.map((id) => {
      const [brokerEpoch, directory] = [this.#nextBrokerEpoch++, this.#newDirectory()]
      isr.push({ broker: id, directory, brokerEpoch, isAwaited: false })
      return {
        id,
        core: newCore(id),
        log: [],
        durableCount: 0,
        directory,
        brokerEpoch,
        alive: true,
        checkpoint: 0,
        condition: 'whole',
        isIntact: true,
        known: { ...state, isr },
        report: undefined,
        copy: [],
        isrWrites: [],
      }
    })
    this.#znode = { ...state, isr }
  }

  step(): void {
    this.#nowMs += this.#random.below(5)
    const replica = this.#random.pick(this.#replicas)
    const dice = this.#random.below(1000)
    if (dice < 250) this.#produce()
    else if (dice < 450) this.#fetch(replica)
    else if (dice < 640) this.#deliver()
    else if (dice < 760) this.#sync(replica)
    else if (dice < 820) this.#readZnode(replica)
    else if (dice < 870) this.#lookAround()
    else if (dice < 920) this.#isr(replica)
    else if (dice < 940) this.#report(replica)
    else if (dice < 975) this.#restart(replica)
    else if (dice < 985) this.#maybeCrash(replica)
    else if (dice < 987 && this.#random.chance(this.#crashRate)) this.#crashAll()
    else if (dice < 988) this.#controller = this.#newController()
    else replica.checkpoint = Math.min(replica.core.highWatermark, replica.durableCount)
    this.#check()
  }

  /** With all brokers alive and all messages delivered, the logs must become equal. */
  heal(): void {
    for (let i = 0; i < 400; i++) {
      this.#nowMs += 1
      this.#lookAround()
      for (const replica of this.#replicas) {
        this.#restart(replica)
        if (replica.condition === 'damaged') this.#empty(replica)
        this.#readZnode(replica)
        this.#sync(replica, true)
        this.#report(replica)
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
    const isr = this.#znode.isr.map(({ broker }) => broker)
    assert.deepEqual(isr, brokerIds, 'everybody is back in the ISR')
  }

  /** One producer with eight batches in flight, each sent again until it is acked. */
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
      core.leaderAppends(this.#nowMs)
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
    const { role, leaderEpoch, logEnd: offset, lastEpoch, highWatermark: known } = follower.core
    if (!follower.alive || role.type !== 'following') return
    const leader = this.#replica(role.leader)
    if (!leader.alive) return
    const { durableEnd } = follower.core
    const asked = { leaderEpoch, offset, lastEpoch, highWatermark: known, logStart: 0, durableEnd }
    const verdict = leader.core.followerFetched(follower.id, lifeOf(follower), asked, this.#nowMs)
    if (verdict.type === 'refused') return
    assert.notEqual(verdict.type, 'behind', 'a leader has all that is committed')
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
      assert.ok(core.mayTruncate(end), 'a leader has all that is committed')
      this.counts.truncations += 1
      replica.log.length = end
      replica.durableCount = Math.min(replica.durableCount, end)
      if (!core.truncated(end)) {
        core.restoreProducers(emptySnapshot)
        for (const batch of replica.log) core.rememberProducer(batch)
      }
      return
    }
    for (const batch of batches) {
      assert.ok(core.continuesLog(batch, leaderEpoch, 0), 'what a leader sends continues the log')
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
    if (!replica.alive || replica.condition === 'damaged') return
    replica.known = this.#znode
    replica.core.become(this.#znode, lifeOf(replica), this.#nowMs)
    const member = memberOf(this.#znode.isr, replica.id)
    if (member === undefined || member.isAwaited || !isSameLife(member, lifeOf(replica))) return
    replica.condition = 'whole'
    replica.isIntact = true
  }

  /** Proposes, or lets the write in flight succeed, fail, or succeed with its answer lost. */
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
      this.#noteState(`ISR by ${replica.id}`)
    }
    this.#readZnode(replica)
    replica.core.isrWriteEnded(write.leaderEpoch, this.#nowMs)
  }

  // --- elections ---------------------------------------------------------------------------------

  #newController(): Controller {
    return new Controller({ epoch: ++this.#controllerEpoch, recoveryWaitMs })
  }

  #report(replica: Replica): void {
    const { known, condition, checkpoint, core } = replica
    if (!replica.alive || known.leader !== noBroker) return
    if (condition === 'damaged') {
      const { lastEpoch } = core
      replica.report = { type: condition, reason: '', lastEpoch, highWatermark: checkpoint }
      return
    }
    if (replica.durableCount !== replica.log.length) return
    replica.report = {
      type: condition,
      life: lifeOf(replica),
      stateVersion: known.version,
      lastEpoch: core.lastEpoch,
      end: core.durableEnd,
      highWatermark: core.highWatermark,
    }
  }

  /** The controller and the leaders see which brokers are alive. */
  #lookAround(): void {
    this.#control()
    const isGone = ({ broker, brokerEpoch }: Member): boolean =>
      !this.#replicas.some(
        (each) => each.alive && each.id === broker && each.brokerEpoch === brokerEpoch,
      )
    for (const replica of this.#replicas) {
      if (!replica.alive || replica.core.role.type !== 'leading') continue
      for (const member of this.#znode.isr.filter(isGone)) replica.core.memberGone(member)
      this.#isr(replica)
    }
  }

  #control(): void {
    const image = new ClusterImage()
    image.setTopic('t', { topicId: 'x', replicas: [brokerIds] })
    image.setState('t', 0, this.#znode)
    for (const replica of this.#replicas) {
      const { id, directory, brokerEpoch: epoch, report: status } = replica
      if (!replica.alive) {
        for (const other of this.#replicas) other.core.followerGone(id, this.#nowMs)
        continue
      }
      const session = epoch
      image.setBroker({ id, host: '', port: 1, directory, epoch, session })
      const name = reportName({ topicId: 'x', partition: 0, broker: id })
      if (status !== undefined) image.setReport(name, { status, session })
    }
    // Running out of time before an intact disk returns would exceed the budget.
    if (!this.#maySettle()) this.#controller = this.#newController()
    const [write] = this.#controller.step(image, this.#nowMs).writes
    if (write === undefined) return
    const { state } = write
    assert.equal(state.version, this.#znode.version, 'it is conditional on what was seen')
    if (state.leader !== noBroker && state.leaderEpoch > this.#znode.leaderEpoch) {
      this.counts.elections += 1
      if (this.#znode.leader === noBroker) this.counts['elections by reports'] += 1
      const wasInSync = memberOf(this.#znode.isr, state.leader) !== undefined
      if (!wasInSync) this.counts['elections among the eligible'] += 1
    }
    this.#znode = { ...state, version: state.version + 1 }
    this.#noteState('controller')
  }

  /**
   * Whether a member of the ISR has reported whose disk has everything it acknowledged. Without one
   * the rules still hold, unless logs returned that lack more than they know.
   */
  #maySettle(): boolean {
    const { isr, version } = this.#znode
    const back = this.#replicas.filter((replica) => replica.alive && isNamed(replica, isr))
    const isIntactThere = back.some(({ isIntact, report }) => {
      if (!isIntact || report === undefined || isFault(report)) return false
      return report.stateVersion === version
    })
    const hurt = back.filter(({ isIntact }) => !isIntact)
    const isUnnoticed = hurt.some(({ condition }) => condition === 'whole')
    const cutCount = hurt.filter(({ condition }) => condition === 'tail-cut').length
    return isIntactThere || (!isUnnoticed && cutCount < 2)
  }

  // --- faults ------------------------------------------------------------------------------------

  #maybeCrash(replica: Replica): void {
    if (!replica.alive || !this.#random.chance(this.#crashRate)) return
    this.counts.crashes += 1
    this.#crash(replica)
    this.#maybeHurt(replica)
  }

  #crashAll(): void {
    this.counts['crashes of all'] += 1
    for (const replica of this.#replicas) if (replica.alive) this.#crash(replica)
    for (const replica of this.#replicas) this.#maybeHurt(replica)
  }

  #crash(replica: Replica): void {
    replica.alive = false
    replica.report = undefined
    // Any part of what was written and not synced may have survived.
    const lost = replica.log.length - replica.durableCount
    replica.log.length = replica.durableCount + this.#random.below(lost + 1)
    replica.durableCount = replica.log.length
    replica.isrWrites = []
    this.#note(`${replica.id} crashes, ${replica.log.length} on its disk`)
  }

  #maybeHurt(replica: Replica): void {
    if (!this.#random.chance(this.#faultRate)) return
    const fault = this.#random.pick(faults)
    const others = this.#replicas.filter((other) => other !== replica && other.isIntact)
    const writes = this.#replicas.flatMap(({ isrWrites }) => isrWrites)
    const states = [this.#znode, ...writes.filter(({ version }) => version === this.#znode.version)]
    const isAllowed = states.every(({ isr, eligible }) => {
      if (!isNamed(replica, isr) && !isNamed(replica, eligible)) return true
      if (others.some((other) => isNamed(other, isr))) return true
      // With no disk of the ISR left, eligible replicas lead; but lost writes go unnoticed.
      return fault !== 'lost writes' && others.some((other) => isNamed(other, eligible))
    })
    if (!isAllowed) return
    this.counts[fault] += 1
    this.#hurt(replica, fault)
    this.#note(`${replica.id}: ${fault}, ${replica.log.length} left`)
  }

  #hurt(replica: Replica, fault: Fault): void {
    replica.isIntact = false
    switch (fault) {
      case 'wiped':
        replica.directory = this.#newDirectory()
        this.#empty(replica)
        return
      case 'put back': // its mark says so
        replica.directory = this.#newDirectory()
        replica.log = [...replica.copy]
        replica.durableCount = replica.log.length
        replica.checkpoint = 0
        replica.condition = 'whole'
        return
      case 'damaged':
        if (replica.log.length > 0) replica.condition = 'damaged'
        return
      case 'tail cut':
      case 'lost writes':
        if (replica.condition === 'damaged') return
        replica.log.length = Math.max(
          replica.checkpoint,
          replica.log.length - 1 - this.#random.below(3),
          0,
        )
        replica.durableCount = replica.log.length
        if (fault === 'tail cut') replica.condition = 'tail-cut'
        return
    }
  }

  /** An empty disk, or a directory that an operator removed so that it is fetched again. */
  #empty(replica: Replica): void {
    const isSameDisk = isNamed(replica, [...this.#znode.isr, ...this.#znode.eligible])
    replica.log = []
    replica.durableCount = 0
    replica.checkpoint = 0
    replica.condition = isSameDisk ? 'incomplete' : 'whole'
    replica.report = undefined
    if (replica.alive) this.#open(replica)
  }

  #restart(replica: Replica): void {
    if (replica.alive) return
    replica.alive = true
    replica.brokerEpoch = this.#nextBrokerEpoch++
    replica.copy = [...replica.log]
    this.#open(replica)
    this.#note(`${replica.id} returns as ${replica.directory}/${replica.brokerEpoch}`)
  }

  #open(replica: Replica): void {
    replica.core = newCore(replica.id)
    for (const batch of replica.log) replica.core.appended(batch)
    replica.core.opened(replica.checkpoint)
  }

  #newDirectory(): DirectoryId {
    return `d${this.#nextDirectory++}` as DirectoryId
  }

  #note(text: string): void {
    this.history.push(`${this.#nowMs} ${text}`)
    if (this.history.length > historyLengthMax) this.history.shift()
  }

  #noteState(what: string): void {
    const { leader, leaderEpoch, isr, eligible, version } = this.#znode
    const named = ({ broker, directory, brokerEpoch, isAwaited }: Member) =>
      `${broker}/${directory}/${brokerEpoch}${isAwaited ? '?' : ''}`
    const lists = `[${isr.map(named).join(' ')}] [${eligible.map(named).join(' ')}]`
    this.#note(`${what}: ${leader} leads in ${leaderEpoch}, ${lists} version ${version}`)
  }

  // --- checks ------------------------------------------------------------------------------------

  #check(): void {
    for (const [sequence, { offset, core, epoch }] of this.#unacked) {
      if (core.role.type !== 'leading' || core.leaderEpoch !== epoch) {
        this.#unacked.delete(sequence)
      } else if (core.highWatermark > offset) {
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

  /** What a consumer or producer was shown at an offset stays true for ever, on every replica. */
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

function lifeOf({ directory, brokerEpoch }: Replica): Life {
  return { directory, brokerEpoch }
}

function isNamed(
  { id, directory }: Pick<Replica, 'id' | 'directory'>,
  members: readonly Member[],
): boolean {
  return memberOf(members, id)?.directory === directory
}

function newCore(self: BrokerId): Partition {
  return new Partition({ self, replicas: brokerIds, minInsyncReplicas, lagTimeMsMax })
}
