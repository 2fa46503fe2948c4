// The judge of a life of brokers. It gets what clients, replicas and znodes show, in the order in
// which they show it, and throws at the first broken promise (docs/correctness.md, B1 to B10). Pure.
//
// A record is identified by its value, which names its producer and its number there.

import { invariant } from '../../../src/invariant.ts'
import type { GroupRecord, OffsetPlace } from '../../../src/protocol/kafka/group-records.ts'
import { GroupChecker } from './group-checker.ts'
import { isTombstone, keyOf } from './load.ts'

/** One process of one broker. */
export type Life = string

export type MqEvent =
  /** A producer was given a record; those of one producer and partition are in its order. */
  | {
      readonly type: 'sent'
      readonly producer: string
      readonly partition: number
      readonly value: string
    }
  /** A producer with acks=all got its offset; `disks` are the disks that have it now. */
  | {
      readonly type: 'stored'
      readonly value: string
      readonly offset: number
      readonly disks: number
    }
  | {
      readonly type: 'shown'
      readonly consumer: string
      readonly partition: number
      readonly offset: number
      readonly value: string
      readonly disks: number
    }
  /** A replica's high watermark passed this record, as it has it. */
  | {
      readonly type: 'committed'
      readonly life: Life
      readonly partition: number
      readonly offset: number
      readonly value: string
      readonly epoch: number
    }
  | {
      readonly type: 'highWatermark'
      readonly life: Life
      readonly partition: number
      readonly offset: number
    }
  | {
      readonly type: 'leads'
      readonly life: Life
      readonly partition: number
      readonly epoch: number
      /** undefined: the broker has no session */
      readonly brokerEpoch: number | undefined
      readonly logStart: number
      readonly logEnd: number
    }
  /** A partition's znode, and the controller epoch in force when it was written. */
  | {
      readonly type: 'state'
      readonly partition: number
      readonly leader: number
      readonly leaderBrokerEpoch: number
      readonly leaderEpoch: number
      readonly controllerEpoch: number
      readonly inForce: number
    }
  /** A record of the topic in which groups are stored is committed, as some replica has it. */
  | {
      readonly type: 'groupRecord'
      readonly at: number
      readonly record: GroupRecord
      /** by the clock of the broker that wrote it */
      readonly timestampMs: number
    }
  /** A member was told what it has in a generation. */
  | {
      readonly type: 'assigned'
      readonly group: string
      readonly memberId: string
      readonly generation: number
      readonly partitions: readonly number[]
    }
  /** A member's commit was acknowledged; its record is at this offset. */
  | {
      readonly type: 'offsetStored'
      readonly group: string
      readonly topic: string
      readonly partition: number
      readonly offset: number
      readonly at: number
    }
  /** A member was told what is committed; `least` was acknowledged before it asked. */
  | {
      readonly type: 'offsetFetched'
      readonly group: string
      readonly topic: string
      readonly partition: number
      readonly offset: number
      readonly least: number
    }
  /** An operator chose a leader for that topic, which may lack some of its records. */
  | { readonly type: 'groupsChosen' }
  /**
   * An operator chose a leader that has only these of the committed records, and was told how many
   * are lost at most; undefined: unknown.
   */
  | {
      readonly type: 'chosen'
      readonly partition: number
      readonly common: number
      readonly losesAtMost: number | undefined
    }
  /** All that a replica has of its log, when it is read again at the end. */
  | {
      readonly type: 'log'
      readonly partition: number
      readonly start: number
      readonly end: number
      /** by offset */
      readonly records: ReadonlyMap<number, string>
    }
  /** Somebody asks for the deletion of everything before this offset. */
  | { readonly type: 'deleting'; readonly partition: number; readonly offset: number }
  /** The answer was that it is done. */
  | { readonly type: 'deleted'; readonly partition: number; readonly offset: number }
  /** A replica's log begins here. */
  | {
      readonly type: 'logStart'
      readonly life: Life
      readonly partition: number
      readonly offset: number
    }
  /** A consumer was behind the log start, and was moved. */
  | {
      readonly type: 'reset'
      readonly consumer: string
      readonly partition: number
      readonly from: number | undefined
      readonly to: number
    }
  /** The broker's disk, or a log on it, is another one. */
  | { readonly type: 'diskLost'; readonly broker: string }
  /** A reassignment took the broker's replica away; another one there begins with what it fetches. */
  | { readonly type: 'leftover'; readonly broker: string; readonly partition: number }
  /** A batch of the log was sent again, and the answer was this offset. */
  | { readonly type: 'repeated'; readonly value: string; readonly offset: number }

interface SentRecord {
  readonly producer: string
  readonly partition: number
  readonly number: number
  storedAt: number | undefined
}

interface CommittedRecord {
  readonly value: string
  readonly epoch: number
}

type State = Extract<MqEvent, { readonly type: 'state' }>

export interface CheckerOptions {
  /** Disks that a record must be on before it is acknowledged or shown; 0 while disks are lost. */
  readonly minInsyncReplicas: number
  /** of offsets that no member uses; default: none expires within a life */
  readonly offsetsRetentionMs?: number
}

export class MqChecker {
  readonly #sent = new Map<string, SentRecord>()
  readonly #sentCounts = new Map<string, number>()
  /** by partition, then by offset */
  readonly #committed = new Map<number, CommittedRecord[]>()
  /** where each record is committed, to find duplicates */
  readonly #places = new Map<string, number>()
  /** by life and partition */
  readonly #highWatermarks = new Map<string, number>()
  /** by consumer and partition: the next offset */
  readonly #positions = new Map<string, number>()
  /** by partition and epoch */
  readonly #leaders = new Map<string, Life>()
  readonly #states = new Map<number, State>()
  readonly #groups: GroupChecker
  /** by partition: where the log may begin, at most */
  readonly #mayRemove = new Map<number, number>()
  /** by partition: everything before it is deleted for good */
  readonly #deleted = new Map<number, number>()
  /** by broker and partition */
  readonly #logStarts = new Map<string, number>()
  /** by partition: the highest log start of any replica */
  readonly #removed = new Map<number, number>()
  /** partitions whose next state an operator writes */
  readonly #chosen = new Set<number>()
  /**
   * records that an operator gave up, with their epochs, by place: replicas that have not learned of
   * it still show them. A producer may store the same value there again, in another epoch.
   */
  readonly #givenUp = new Map<string, Set<string>>()
  /** Compaction may remove what a later record with the same key supersedes. */
  isCompacted = false
  /** It may remove tombstones as well, with all that they delete. */
  mayForgetTombstones = false
  /** Disks that a record is on before it is acknowledged or shown. */
  #leastDisks: number
  storedCount = 0
  /** acknowledged records that an operator gave up */
  lostCount = 0
  shownCount = 0

  constructor(options: CheckerOptions) {
    this.#leastDisks = options.minInsyncReplicas
    this.#groups = new GroupChecker(options.offsetsRetentionMs ?? Number.POSITIVE_INFINITY)
  }

  /** From now on; a broker may know an earlier value for a while. */
  minInsyncReplicasIs(count: number): void {
    this.#leastDisks = Math.min(this.#leastDisks, count)
  }

  /** Every broker knows it. */
  minInsyncReplicasIsKnown(count: number): void {
    this.#leastDisks = count
  }

  /** The offset of a group that was acknowledged last; 0: none. */
  acknowledgedOffset(group: string, place: OffsetPlace): number {
    return this.#groups.acknowledged(group, place)
  }

  get sentCount(): number {
    return this.#sent.size
  }

  /** Records that some replica has seen committed. */
  committedEnd(partition: number): number {
    return this.#committed.get(partition)?.length ?? 0
  }

  committedValue(partition: number, offset: number): string | undefined {
    return this.#committed.get(partition)?.[offset]?.value
  }

  /** @throws InvariantError */
  step(event: MqEvent): void {
    switch (event.type) {
      case 'sent':
        return this.#wasSent(event)
      case 'stored':
        return this.#wasStored(event)
      case 'shown':
        return this.#wasShown(event)
      case 'committed':
        return this.#wasCommitted(event)
      case 'highWatermark':
        return this.#moved(event)
      case 'leads':
        return this.#leads(event)
      case 'state':
        return this.#wasWritten(event)
      case 'groupRecord':
        return this.#groups.committed(event)
      case 'assigned':
        return this.#groups.assigned(event)
      case 'offsetStored':
        return this.#groups.offsetStored(event)
      case 'offsetFetched':
        return this.#groups.fetched(event)
      case 'groupsChosen':
        return this.#groups.chosen()
      case 'repeated':
        return this.#wasRepeated(event)
      case 'chosen':
        return this.#wasChosen(event)
      case 'log':
        return this.#wasRead(event)
      case 'deleting':
        raise(this.#mayRemove, event.partition, event.offset)
        return
      case 'deleted':
        raise(this.#deleted, event.partition, event.offset)
        return
      case 'logStart':
        return this.#logBegins(event)
      case 'reset':
        return this.#wasReset(event)
      case 'diskLost':
        return this.#lostDisk(event.broker)
      case 'leftover':
        return this.#left(event)
    }
  }

  /** The life has ended, and all replicas have been read to their ends. */
  end(): void {
    this.#groups.end()
    const last = new Map<string, { number: number; offset: number; value: string }>()
    const stored = [...this.#sent].filter(([, { storedAt }]) => storedAt !== undefined)
    for (const [value, { producer, partition, number, storedAt = -1 }] of stored) {
      const found = this.#committed.get(partition)?.[storedAt]?.value
      invariant(
        found === value,
        `an acknowledged record is in the log: ${value} at ${partition}/${storedAt}, where ${found} is`,
      )
      const lane = `${producer} ${partition}`
      const before = last.get(lane)
      invariant(
        before === undefined || before.offset < storedAt,
        `acknowledged records are in their producer's order: ${before?.value}, ${value}`,
      )
      last.set(lane, { number, offset: storedAt, value })
    }
  }

  #wasSent({ producer, partition, value }: Extract<MqEvent, { type: 'sent' }>): void {
    invariant(!this.#sent.has(value), 'the load gives each record a value of its own')
    const lane = `${producer} ${partition}`
    const number = this.#sentCounts.get(lane) ?? 0
    this.#sentCounts.set(lane, number + 1)
    this.#sent.set(value, { producer, partition, number, storedAt: undefined })
  }

  #wasStored({ value, offset, disks }: Extract<MqEvent, { type: 'stored' }>): void {
    const sent = this.#sent.get(value)
    invariant(sent !== undefined, `what is acknowledged was sent: ${value}`)
    const where = `${value} at ${sent.partition}/${offset}`
    this.#isOnDisks(disks, `an acknowledged record: ${where}`)
    const found = this.committedValue(sent.partition, offset)
    invariant(
      found === undefined || found === value,
      `what is acknowledged is what lies there: ${where}, where ${found} is`,
    )
    sent.storedAt = offset
    this.storedCount++
  }

  #wasShown({
    consumer,
    partition,
    offset,
    value,
    disks,
  }: Extract<MqEvent, { type: 'shown' }>): void {
    const where = `${value} at ${partition}/${offset} to ${consumer}`
    this.#isOnDisks(disks, `a record that is shown: ${where}`)
    const found = this.committedValue(partition, offset)
    invariant(found === value, `what is shown is committed, and stays: ${where}, where ${found} is`)
    const key = `${consumer} ${partition}`
    const next = this.#positions.get(key) ?? offset
    const isNext =
      offset === next || (offset > next && this.#areSuperseded(partition, next, offset))
    invariant(isNext, `a consumer gets each record once, in order: ${where}, not ${next}`)
    this.#positions.set(key, offset + 1)
    this.shownCount++
  }

  #areSuperseded(partition: number, from: number, to: number): boolean {
    const log = this.#committed.get(partition) ?? []
    const lastOffsets = lastOffsetsOf(log)
    return log
      .slice(from, to)
      .every(({ value }, i) => this.#mayBeGone(value, from + i, lastOffsets))
  }

  #mayBeGone(value: string, offset: number, lastOffsets: ReadonlyMap<string, number>): boolean {
    if (!this.isCompacted) return false
    const isSuperseded = (lastOffsets.get(keyOf(value)) ?? -1) > offset
    return isSuperseded || (this.mayForgetTombstones && isTombstone(value))
  }

  #wasRead({ partition, start, end, records }: Extract<MqEvent, { type: 'log' }>): void {
    const log = this.#committed.get(partition) ?? []
    const lastOffsets = lastOffsetsOf(log)
    const kept = new Set<string>()
    for (let offset = start; offset < Math.min(end, log.length); offset++) {
      const value = log[offset]?.value ?? ''
      const found = records.get(offset)
      const where = `${value} at ${partition}/${offset}, where ${found} is`
      if (found !== undefined) {
        invariant(found === value, `a record that stays keeps its offset: ${where}`)
        kept.add(keyOf(value))
        continue
      }
      const mayBeGone = this.#mayBeGone(value, offset, lastOffsets)
      invariant(mayBeGone, `only what is superseded is compacted away: ${where}`)
      const isLast = lastOffsets.get(keyOf(value)) === offset
      const isBack = isLast && kept.has(keyOf(value))
      invariant(!isBack, `a tombstone goes after all that it deletes: ${where}`)
    }
  }

  #isOnDisks(disks: number, what: string): void {
    const least = this.#leastDisks
    invariant(disks >= least, `${what} is on ${least} disks, not ${disks}`)
  }

  #wasCommitted(event: Extract<MqEvent, { type: 'committed' }>): void {
    const { life, partition, offset, value, epoch } = event
    const log = this.#committed.get(partition) ?? []
    this.#committed.set(partition, log)
    const known = log[offset]
    const where = `${value} at ${partition}/${offset} on ${life}`
    const isSame = known?.value === value && known.epoch === epoch
    const gone = this.#givenUp.get(`${partition}/${offset}`)
    if (!isSame && gone?.has(`${epoch} ${value}`) === true) return
    if (known !== undefined) {
      const differs = `${where} of epoch ${epoch}, ${known.value} of epoch ${known.epoch}`
      invariant(isSame, `replicas are equal below the high watermark: ${differs}`)
      return
    }
    invariant(offset === log.length, `a log has no gaps: ${where} behind ${log.length}`)
    const sent = this.#sent.get(value)
    invariant(sent !== undefined, `what is in the log was sent: ${where}`)
    invariant(sent.partition === partition, `a record is in its own partition: ${where}`)
    const place = this.#places.get(value)
    invariant(place === undefined, `a record is in the log once: ${where} and at ${place}`)
    invariant((log.at(-1)?.epoch ?? 0) <= epoch, `epochs in a log never go down: ${where}`)
    this.#places.set(value, offset)
    log.push({ value, epoch })
  }

  #moved({ life, partition, offset }: Extract<MqEvent, { type: 'highWatermark' }>): void {
    const key = `${life} ${partition}`
    const before = this.#highWatermarks.get(key) ?? 0
    invariant(
      offset >= before,
      `a high watermark never goes back: ${before} to ${offset} of ${partition} on ${life}`,
    )
    this.#highWatermarks.set(key, offset)
  }

  #leads({
    life,
    partition,
    epoch,
    brokerEpoch,
    logStart,
    logEnd,
  }: Extract<MqEvent, { type: 'leads' }>): void {
    const where = `${life} of ${partition} in epoch ${epoch}`
    invariant(brokerEpoch !== undefined, `a broker without a session leads nothing: ${where}`)
    const key = `${partition} ${epoch}`
    const leader = this.#leaders.get(key) ?? life
    invariant(leader === life, `an epoch has one leader: ${where}, and ${leader}`)
    if (this.#leaders.has(key)) return
    this.#leaders.set(key, life)
    const end = this.committedEnd(partition)
    invariant(
      logEnd >= end,
      `a leader has all that is committed: ${where} ends at ${logEnd}, not ${end}`,
    )
    const deleted = this.#deleted.get(partition) ?? 0
    invariant(
      logStart >= deleted,
      `what was deleted stays deleted: ${where} begins at ${logStart}, not ${deleted}`,
    )
  }

  #logBegins({ life, partition, offset }: Extract<MqEvent, { type: 'logStart' }>): void {
    const where = `${offset} of ${partition} on ${life}`
    const most = this.#mayRemove.get(partition) ?? 0
    invariant(offset <= most, `nothing is removed that need not be: ${where}, not ${most}`)
    const end = this.committedEnd(partition)
    invariant(offset <= end, `only what is committed is removed: ${where}, not ${end}`)
    const key = `${life.split('.')[0]} ${partition}`
    const before = this.#logStarts.get(key) ?? 0
    invariant(offset >= before, `a log start never goes back: ${where}, after ${before}`)
    this.#logStarts.set(key, offset)
    raise(this.#removed, partition, offset)
  }

  #wasReset({ consumer, partition, from, to }: Extract<MqEvent, { type: 'reset' }>): void {
    const removed = this.#removed.get(partition) ?? 0
    const where = `${consumer} from ${from} to ${to} of ${partition}`
    invariant(
      from !== undefined && from < to && to <= removed,
      `a consumer skips only what was removed: ${where}, where a log begins at ${removed}`,
    )
    const next = this.#positions.get(`${consumer} ${partition}`)
    if (next !== undefined) this.#positions.set(`${consumer} ${partition}`, Math.max(next, to))
  }

  #lostDisk(broker: string): void {
    for (const key of this.#logStarts.keys()) {
      if (key.startsWith(`${broker} `)) this.#logStarts.delete(key)
    }
  }

  #left({ broker, partition }: Extract<MqEvent, { type: 'leftover' }>): void {
    this.#logStarts.delete(`${broker} ${partition}`)
    for (const key of this.#highWatermarks.keys()) {
      if (key.startsWith(`${broker}.`) && key.endsWith(` ${partition}`)) {
        this.#highWatermarks.delete(key)
      }
    }
  }

  #wasWritten(state: State): void {
    const before = this.#states.get(state.partition)
    this.#states.set(state.partition, state)
    if (before === undefined) return
    const change = `of ${state.partition}: ${JSON.stringify(before)}, ${JSON.stringify(state)}`
    const { leaderEpoch, controllerEpoch, inForce } = state
    invariant(leaderEpoch >= before.leaderEpoch, `leader epochs never go back ${change}`)
    invariant(
      controllerEpoch >= before.controllerEpoch,
      `a deposed controller writes nothing ${change}`,
    )
    const isByPerson = this.#chosen.delete(state.partition)
    const isByController =
      leaderEpoch !== before.leaderEpoch || controllerEpoch !== before.controllerEpoch
    invariant(
      !isByController || isByPerson || controllerEpoch === inForce,
      `a deposed controller writes nothing ${change}`,
    )
    const isSameLeader =
      state.leader === before.leader && state.leaderBrokerEpoch === before.leaderBrokerEpoch
    const hasResigned = state.leader < 0
    invariant(
      leaderEpoch > before.leaderEpoch || isSameLeader || hasResigned,
      `another leader has another epoch ${change}`,
    )
  }

  #wasChosen({ partition, common, losesAtMost }: Extract<MqEvent, { type: 'chosen' }>): void {
    this.#chosen.add(partition)
    const log = this.#committed.get(partition) ?? []
    const lost = log.splice(common)
    const most = losesAtMost ?? lost.length
    invariant(
      lost.length <= most,
      `an operator is told what a choice loses: ${lost.length} of ${partition}, not ${most} at most`,
    )
    for (const [i, { value, epoch }] of lost.entries()) {
      const place = `${partition}/${common + i}`
      this.#givenUp.set(place, (this.#givenUp.get(place) ?? new Set()).add(`${epoch} ${value}`))
      this.#places.delete(value)
    }
    this.#deleted.set(partition, 0)
    for (const key of this.#logStarts.keys()) {
      if (key.endsWith(` ${partition}`)) this.#logStarts.delete(key)
    }
    for (const sent of this.#sent.values()) {
      if (sent.partition !== partition || (sent.storedAt ?? -1) < common) continue
      sent.storedAt = undefined
      this.lostCount++
    }
    for (const [key, offset] of this.#highWatermarks) {
      if (key.endsWith(` ${partition}`)) this.#highWatermarks.set(key, Math.min(offset, common))
    }
  }

  #wasRepeated({ value, offset }: Extract<MqEvent, { type: 'repeated' }>): void {
    const place = this.#places.get(value)
    invariant(
      place === offset,
      `a batch sent again is recognised: ${value} at ${place}, not ${offset}`,
    )
  }
}

function lastOffsetsOf(log: readonly CommittedRecord[]): ReadonlyMap<string, number> {
  return new Map(log.map(({ value }, offset) => [keyOf(value), offset]))
}

function raise(offsets: Map<number, number>, partition: number, offset: number): void {
  offsets.set(partition, Math.max(offset, offsets.get(partition) ?? 0))
}
