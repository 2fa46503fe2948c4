// Mutants of src/broker: its own rules, broken one at a time. Lives of whole brokers (life.ts) must
// catch each within its number of seeds.

import type { Mutant } from '../mutate.ts'

const partition = 'broker/partition/partition.ts'
const inSync = 'broker/partition/in-sync-replicas.ts'
const producers = 'broker/partition/producer-states.ts'
const log = 'broker/partition/partition-log.ts'
const compaction = 'broker/partition/compaction.ts'
const compactor = 'broker/replication/compactor.ts'
const logHead = 'broker/replication/log-head.ts'
const logCut = 'broker/replication/log-cut.ts'
const queue = 'broker/replication/produce-queue.ts'
const replica = 'broker/replication/replica.ts'
const leading = 'broker/replication/leading.ts'
const following = 'broker/replication/following.ts'
const replicaManager = 'broker/replication/replica-manager.ts'
const throttle = 'broker/replication/replication-throttle.ts'
const fetcher = 'broker/replication/replica-fetcher.ts'
const controller = 'broker/controller/controller.ts'
const election = 'broker/controller/recovery-election.ts'
const leadership = 'broker/controller/leadership.ts'
const status = 'broker/cluster/replica-status.ts'
const image = 'broker/cluster/cluster-image.ts'
const reports = 'broker/session/replica-reports.ts'
const driver = 'broker/controller/driver.ts'
const reassignment = 'broker/controller/reassignment.ts'
const leftovers = 'broker/replication/leftover-removal.ts'
const session = 'broker/session/session.ts'
const sessions = 'broker/session/sessions.ts'
const marks = 'broker/session/marks.ts'
const ledGroup = 'broker/group/led-group.ts'
const shard = 'broker/group/coordinator-shard.ts'
const expiry = 'broker/group/offset-expiry.ts'
const batch = 'protocol/mq/record-batch.ts'
const recovery = 'log/recovery.ts'
const createTopics = 'broker/api/create-topics.ts'
const createPartitions = 'broker/api/create-partitions.ts'
const deleteTopics = 'broker/api/delete-topics.ts'
const removal = 'broker/replication/topic-removal.ts'

const durableRule = 'what is acknowledged or shown is on the disks of min.insync.replicas'
const epochRule = 'an epoch has one leader, in one life'

export const mqMutants: readonly Mutant[] = [
  // --- the log of a partition --------------------------------------------------------------------
  {
    name: 'truncate to the high watermark',
    rule: 'KIP-101: logs are cut where their epochs part, never at the high watermark',
    edits: [
      {
        file: replica,
        from: 'this.role.type !== role.type) this.#roleEnded()\n    this.#moved()\n  }',
        to: `this.role.type !== role.type) this.#roleEnded()
    if (this.role.type === 'following' && this.#core.highWatermark < this.#core.logEnd) {
      void this.truncate({ epoch: this.lastEpoch, endOffset: this.#core.highWatermark }, 0)
    }
    this.#moved()
  }`,
      },
    ],
    seeds: 300,
  },
  {
    name: 'a log that diverges is not cut',
    rule: 'replicas are equal below the high watermark',
    edits: [
      {
        file: partition,
        from: "if (epoch < lastEpoch || endOffset < offset) return { type: 'diverging', epoch, endOffset }",
        to: '',
      },
    ],
    seeds: 100,
  },
  {
    name: 'a longer log of an earlier epoch is taken for equal',
    rule: 'KIP-101: the epoch of the last record is compared, not the offset alone',
    edits: [
      {
        file: partition,
        from: 'if (epoch < lastEpoch || endOffset < offset) return',
        to: 'if (this.#logEnd < offset) return',
      },
    ],
    seeds: 300,
  },
  {
    name: 'a cut goes one record too far',
    rule: 'what may be committed is never cut',
    edits: [
      {
        file: partition,
        from: 'const end = own.epoch === leaders.epoch ? leaders.endOffset : own.endOffset',
        to: 'const end = (own.epoch === leaders.epoch ? leaders.endOffset : own.endOffset) - 8',
      },
    ],
    seeds: 600,
  },
  {
    name: 'no CRC check of a produced batch',
    rule: 'what is in the log was sent',
    edits: [
      {
        file: batch,
        from: 'return crc32c(bytes, at + checkedFrom, at + length) === bytes.readUInt32BE(at + crcAt)',
        to: 'return length > 0',
      },
    ],
    seeds: 100,
  },
  {
    name: 'no CRC check at the recovery of a log',
    rule: 'a torn batch is cut',
    edits: [{ file: log, from: '  isIntact: isBatchIntact,', to: '  isIntact: () => true,' }],
    seeds: 300,
  },
  {
    name: 'records that no start has read are served unchecked',
    rule: 'damage is noticed before a record leaves the broker',
    edits: [
      {
        file: 'log/segment.ts',
        from: 'if (!this.#unread.touches(start, end)) return',
        to: 'if (start >= 0) return',
      },
    ],
    seeds: 1000,
  },

  // --- the log start -----------------------------------------------------------------------------
  {
    name: 'the log start is not kept',
    rule: 'a log start never goes back',
    edits: [
      {
        file: logHead,
        from: 'if (!(await this.#keeper.write(this.#snapshotFrom(logStart)))) return',
        to: 'if (!(await this.#keeper.write(this.written))) return',
      },
    ],
    seeds: 50,
  },
  {
    name: 'what is not committed is removed',
    rule: 'only what is committed is removed',
    edits: [
      {
        file: logHead,
        from: 'Math.min(offset, this.#core.highWatermark)',
        to: 'Math.min(offset + 5, this.#core.logEnd)',
      },
      {
        file: partition,
        from: "invariant(logStart <= this.#highWatermark, 'only what is committed is removed')",
        to: '',
      },
    ],
    seeds: 50,
  },
  {
    name: 'producers are forgotten with their records',
    rule: 'a batch sent again is recognised, even after its removal',
    edits: [
      {
        file: partition,
        from: '    this.#producers.restore(producers)\n    this.#logStart = logStart\n    this.#logEnd = this.#highWatermark = end\n',
        to: '    this.#logStart = logStart\n    this.#logEnd = this.#highWatermark = end\n',
      },
    ],
    seeds: 50,
  },
  {
    name: 'a replica that begins anew learns nothing of producers',
    rule: 'a batch sent again is recognised, even after its removal, at every leader',
    edits: [
      {
        file: fetcher,
        from: 'const producers = decodeProducers(anew.producers)',
        to: 'const producers = decodeProducers(anew.producers).slice(9)',
      },
    ],
    seeds: 300,
  },
  {
    name: 'a follower below the log start is served from there',
    rule: 'a log has no gaps: a follower below the log start begins anew',
    edits: [
      {
        file: partition,
        from: 'if (offset < this.#logStart || (epoch < 0',
        to: 'if ((epoch < 0',
      },
    ],
    seeds: 100,
  },
  {
    name: 'a log that ends where its leader’s begins is taken for equal',
    rule: 'replicas are equal below the high watermark: the epoch of the record before a log start is known',
    edits: [
      {
        file: partition,
        from: '?? { epoch: -1, endOffset: this.#logStart }',
        to: '?? { epoch: lastEpoch, endOffset: this.#logEnd }',
      },
    ],
    seeds: 600,
  },
  {
    name: 'compaction keeps the older value',
    rule: 'compaction removes only what a later record of the same key supersedes',
    edits: [
      {
        file: compaction,
        from: 'offset >= (this.#offsets.get(nameOf(key)) ?? offset)',
        to: 'offset < (this.#offsets.get(nameOf(key)) ?? offset + 1)',
      },
    ],
    seeds: 100,
  },
  {
    name: 'a follower refuses gaps',
    rule: 'a follower of a compacted log gets into sync',
    edits: [
      {
        file: partition,
        from: '(baseOffset <= this.#logEnd || baseOffset <= gapsBelow) &&',
        to: 'baseOffset <= this.#logEnd &&',
      },
    ],
    seeds: 300,
  },
  {
    name: 'gaps are not noted before they are made',
    rule: 'a compacted log is no damaged log',
    edits: [
      {
        file: compactor,
        from: 'if (head.written.gapsBelow < pass.end) {',
        to: 'if (head.written.gapsBelow < 0) {',
      },
    ],
    seeds: 300,
  },

  // --- durable, committed, shown -----------------------------------------------------------------
  {
    name: 'a follower says it has what is not durable',
    rule: durableRule,
    edits: [
      {
        file: following,
        from: '    const { durableEnd } = this.#core\n    const { topic',
        to: '    const durableEnd = this.#core.logEnd\n    const { topic',
      },
    ],
    seeds: 100,
  },
  {
    name: 'a leader takes for durable what a follower has received',
    rule: durableRule,
    edits: [
      {
        file: partition,
        from: 'const end = Math.min(durableEnd, offset)',
        to: 'const end = offset',
      },
    ],
    seeds: 100,
  },
  {
    name: 'show what is not durable',
    rule: durableRule,
    edits: [
      {
        file: partition,
        from: '    this.#take(replicas.followerFetched(id,',
        to: '    replicas.ownLogDurable(this.#logEnd, nowMs)\n    this.#take(replicas.followerFetched(id,',
      },
    ],
    seeds: 600,
  },
  {
    name: 'uncommitted reads',
    rule: 'what is shown is committed',
    edits: [
      {
        file: replica,
        from: 'return this.#reads.read({ offset, end: this.#core.highWatermark, bytesMax })',
        to: 'return this.#reads.read({ offset, end: this.#core.logEnd, bytesMax })',
      },
    ],
    seeds: 50,
  },
  {
    name: 'acks=all answered by the leader alone',
    rule: durableRule,
    edits: [
      {
        file: queue,
        from: "operation.waitFor(acks === 'all' ? committed : durable, lastOffset + 1)",
        to: 'operation.waitFor(durable, lastOffset + 1)',
      },
    ],
    seeds: 50,
  },
  {
    name: 'acks=all one record early',
    rule: durableRule,
    edits: [
      {
        file: queue,
        from: "operation.waitFor(acks === 'all' ? committed : durable, lastOffset + 1)",
        to: "operation.waitFor(acks === 'all' ? committed : durable, lastOffset)",
      },
    ],
    seeds: 50,
  },
  {
    name: 'a waiting produce is answered when leadership ends',
    rule: 'a deposed leader acknowledges nothing',
    edits: [
      {
        file: queue,
        from: "if (ending === 'reached') done(baseOffset)",
        to: "if (ending !== 'expired') done(baseOffset)",
      },
    ],
    seeds: 100,
  },
  {
    name: 'the high watermark follows the fastest replica',
    rule: durableRule,
    edits: [
      {
        file: inSync,
        from: 'if (named !== undefined) end = Math.min(end, endOf(named, follower))',
        to: 'if (named !== undefined) end = Math.min(this.#ownEnd, Math.max(end, endOf(named, follower)))',
      },
    ],
    seeds: 50,
  },
  {
    name: 'the high watermark moves below min.insync.replicas',
    rule: durableRule,
    edits: [{ file: inSync, from: '    if (!this.enough) return false\n', to: '' }],
    seeds: 50,
  },
  {
    name: 'a shrunken ISR counts before it is written',
    rule: 'the larger ISR counts until the smaller one is in force',
    edits: [
      {
        file: inSync,
        from: '    this.#proposed = mapOf(wanted)\n',
        to: '    this.#proposed = mapOf(wanted)\n    this.#isr = this.#proposed\n',
      },
    ],
    seeds: 600,
  },

  // --- leading and following ---------------------------------------------------------------------
  {
    name: 'lead on in the old epoch',
    rule: epochRule,
    edits: [
      {
        file: partition,
        from: 'return isSameLife(leader, life)\n',
        to: 'return life.brokerEpoch > 0\n',
      },
    ],
    seeds: 50,
  },
  {
    name: 'a planned move of leadership in the same epoch',
    rule: epochRule,
    edits: [
      {
        file: leadership,
        from: 'return { ...known, leader, leaderEpoch: known.leaderEpoch + 1 }',
        to: 'return { ...known, leader }',
      },
    ],
    seeds: 50,
  },
  {
    name: 'a controller that does not see a restart',
    rule: epochRule,
    edits: [
      {
        file: status,
        from: 'return isSameLife(member, standing.life) && faultOf',
        to: 'return faultOf',
      },
    ],
    seeds: 50,
  },
  {
    name: 'a broker leads after its session expired',
    rule: 'a broker without a session leads nothing',
    edits: [
      {
        file: sessions,
        from: 'const { log, resign } = this.#options\n    resign()\n',
        to: 'const { log } = this.#options\n',
      },
    ],
    seeds: 50,
  },
  {
    name: 'a session that failed in its opening leads on',
    rule: 'a broker without a session leads nothing; seed 38',
    edits: [
      {
        file: sessions,
        from: 'others take over once it is closed.\n        resign()\n',
        to: 'others take over once it is closed.\n',
      },
      { file: sessions, from: '    if (!this.#isOpening) void', to: '    void' },
    ],
    seeds: 1000,
  },
  {
    name: 'an unclean election',
    rule: 'a leader has all that is committed',
    edits: [
      {
        file: controller,
        from: 'const unbroken = known.isr.filter((member) => isUnbroken(member, standingOf(member)))',
        to: `const found = known.isr.filter((member) => isUnbroken(member, standingOf(member)))
  const others = standings.flatMap(({ broker, life }) =>
    life === undefined ? [] : { broker, ...life, isAwaited: false },
  )
  const unbroken = found.length > 0 ? found : others`,
      },
    ],
    seeds: 100,
  },
  {
    name: 'the ISR is forgotten when there is no leader',
    rule: 'no usable member in sync: the ISR stays as it is',
    edits: [
      {
        file: controller,
        from: 'return { ...known, leader: noBroker, leaderEpoch: known.leaderEpoch + 1 }',
        to: `const isr = standings.flatMap(({ broker, life }) =>
      life === undefined ? [] : { broker, ...life, isAwaited: false },
    )
    return { ...known, isr, leader: noBroker, leaderEpoch: known.leaderEpoch + 1 }`,
      },
    ],
    seeds: 300,
  },
  {
    name: 'another leader in the same epoch',
    rule: epochRule,
    edits: [
      {
        file: controller,
        from: 'return { ...left, leader: broker, leaderEpoch: known.leaderEpoch + 1 }',
        to: 'return { ...left, leader: broker, leaderEpoch: known.leaderEpoch }',
      },
    ],
    seeds: 50,
  },

  // --- znodes ------------------------------------------------------------------------------------
  {
    name: 'an unconditional ISR write',
    rule: 'leader epochs never go back',
    edits: [
      {
        file: session,
        from: '          version: state.version,\n',
        to: '          version: state.version < 0 ? 0 : -1,\n',
      },
    ],
    seeds: 600,
  },
  {
    name: 'a deposed controller that writes',
    rule: 'a deposed controller writes nothing',
    edits: [
      {
        file: driver,
        from: 'version: epochVersion },\n        ...writes.map(opOf),',
        to: 'version: epochVersion < 0 ? epochVersion : -1 },\n        ...writes.map(opOf),',
      },
    ],
    seeds: 1000,
  },
  {
    name: 'an unconditional commit of an offset',
    rule: 'a committed offset never goes back',
    edits: [
      {
        file: ledGroup,
        from: 'follows !== undefined && follows !== version',
        to: 'false && follows !== version',
      },
    ],
    seeds: 600,
  },

  {
    name: 'a commit of an older generation',
    rule: 'a commit of an older generation changes nothing',
    edits: [
      {
        file: 'broker/group/group.ts',
        from: "if (claim.generation !== this.#generation) return 'ILLEGAL_GENERATION'",
        to: "if (claim.generation > this.#generation) return 'ILLEGAL_GENERATION'",
      },
      {
        file: 'broker/group/group.ts',
        from: "if (member.generation !== claim.generation) return 'ILLEGAL_GENERATION'",
        to: "if (member.generation < claim.generation) return 'ILLEGAL_GENERATION'",
      },
    ],
    seeds: 300,
  },
  {
    name: 'an assignment told before it is stored',
    rule: 'an assignment is stored before it is told, so that a partition has one owner in a generation',
    edits: [
      {
        file: ledGroup,
        from: "else if (this.#writes.length === 0) send('NONE')",
        to: "else if (this.#writes.length >= 0) send('NONE')",
      },
    ],
    seeds: 1000,
  },
  {
    name: 'a dead member that never expires',
    rule: 'a rebalance ends within bounded time when faults end',
    edits: [
      {
        file: 'broker/group/group.ts',
        from: 'member.expiresAtMs <= nowMs && !isWaiting(member)',
        to: 'member.expiresAtMs < 0 && !isWaiting(member)',
      },
      {
        file: 'broker/group/group.ts',
        from: 'state.initial?.untilMs ?? state.startedMs + this.#roster.rebalanceTimeoutMs',
        to: 'state.initial?.untilMs ?? Number.POSITIVE_INFINITY',
      },
    ],
    seeds: 300,
  },

  {
    name: 'a commit is acknowledged when the coordinator has it',
    rule: 'an acknowledged commit is never lost: min.insync.replicas have it',
    edits: [{ file: shard, from: "acks: 'all'", to: "acks: 'leader'" }],
    seeds: 300,
  },
  {
    name: 'a coordinator serves what it has not read to the end',
    rule: 'what is fetched is at least what was acknowledged, whichever broker coordinates',
    edits: [
      {
        file: shard,
        from: 'if (next >= end || next === from) this.#loaded(found)',
        to: 'if (next > from || next === from) this.#loaded(found)',
      },
      { file: shard, from: 'const loadBytes = 256 * 1024', to: 'const loadBytes = 512' },
    ],
    seeds: 100,
  },
  {
    name: 'a coordinator begins before its log is committed',
    rule: 'what is fetched is at least what was acknowledged, whichever broker coordinates',
    edits: [
      {
        file: shard,
        from: 'replica.waitForRecords(caughtUp, logEnd - 1)',
        to: "caughtUp.finish('reached')",
      },
    ],
    seeds: 300,
  },
  {
    name: 'a coordinator continues with the first generation that it reads',
    rule: 'a generation never goes back',
    edits: [
      {
        file: shard,
        from: 'known.stored = record.value ?? undefined',
        to: 'known.stored ??= record.value ?? undefined',
      },
    ],
    seeds: 100,
  },
  {
    name: 'offsets expire before they are due',
    rule: 'an offset expires only when it is due',
    edits: [
      { file: expiry, from: 'since(stored) + retentionMs', to: 'since(stored) + retentionMs / 2' },
    ],
    seeds: 100,
  },
  {
    name: 'offsets of a group with members expire',
    rule: 'an offset that is in use never expires',
    edits: [{ file: expiry, from: 'isUsed(place.topic) || ', to: '' }],
    seeds: 100,
  },

  // --- topics ------------------------------------------------------------------------------------
  {
    name: 'a topic that is created again keeps its id',
    rule: 'a topic that is created again has none of the records of the one before',
    edits: [
      {
        file: createTopics,
        from: 'const assignment = { topicId: makeUuid(), replicas }',
        to: "const assignment = { topicId: 'id-of-' + topic + makeUuid().slice(99), replicas }",
      },
    ],
    seeds: 100,
  },
  {
    name: 'a creation is answered before it has leaders',
    rule: 'a topic whose creation is answered has leaders',
    edits: [
      {
        file: createTopics,
        from: '    await whenLed(this.#parts, { topic, topicId, count: replicas.length }, this.#deadline)\n',
        to: '',
      },
    ],
    seeds: 100,
  },
  {
    name: 'added partitions are answered before they have leaders',
    rule: 'partitions whose creation is answered have leaders',
    edits: [
      {
        file: createPartitions,
        from: '        await whenLed(parts, { topic, topicId, count: asked.count }, deadline)\n',
        to: '',
      },
    ],
    seeds: 200,
  },
  {
    name: 'added partitions move the others',
    rule: 'partitions stay where they are when others are added',
    edits: [
      {
        file: createPartitions,
        from: 'return [...replicas, ...placeReplicas(brokers, placement)]',
        to: 'return placeReplicas(brokers, { ...placement, start: start + 1, firstPartition: 0 })',
      },
    ],
    seeds: 200,
  },
  {
    name: 'a deletion forgets a broker',
    rule: 'nothing of a deleted topic stays on a disk',
    edits: [
      {
        file: deleteTopics,
        from: 'const brokers = brokersWith(assignment)',
        to: 'const brokers = brokersWith(assignment).slice(1)',
      },
    ],
    seeds: 100,
  },

  // --- producers ---------------------------------------------------------------------------------
  {
    name: 'a duplicate answered early',
    rule: durableRule,
    edits: [
      {
        file: queue,
        from: '        this.#awaitAcks(call, verdict)\n',
        to: '        call.done(verdict.baseOffset)\n',
      },
    ],
    seeds: 100,
  },
  {
    name: 'a duplicate is appended',
    rule: 'a record is in the log once',
    edits: [
      { file: producers, from: 'if (known !== undefined) {', to: 'if (known === null) {' },
      {
        file: producers,
        from: "return { type: 'refused', code: 'OUT_OF_ORDER_SEQUENCE_NUMBER' }\n  }\n\n",
        to: "return { type: 'next' }\n  }\n\n",
      },
    ],
    seeds: 50,
  },
  {
    name: 'an early batch is appended',
    rule: "records are in their producer's order",
    edits: [
      { file: producers, from: "return { type: 'early' }", to: "return { type: 'next' }" },
      {
        file: producers,
        from: "return { type: 'refused', code: 'OUT_OF_ORDER_SEQUENCE_NUMBER' }\n  }\n\n",
        to: "return { type: 'next' }\n  }\n\n",
      },
    ],
    seeds: 100,
  },
  {
    name: 'a held batch not copied',
    rule: 'a frame lives as long as its call',
    edits: [
      {
        file: queue,
        from: 'const bytes = Buffer.from(call.batch)',
        to: 'const bytes = call.batch',
      },
    ],
    seeds: 100,
  },
  {
    name: 'producers are remembered beyond a truncation',
    rule: 'what is known of producers is what the log says',
    edits: [{ file: partition, from: 'return this.#producers.truncated(end)', to: 'return true' }],
    seeds: 300,
  },
  {
    name: 'a follower learns nothing of producers',
    rule: 'a new leader continues where the old one stopped',
    edits: [
      {
        file: partition,
        from: '    this.#producers.appended(header)\n    this.#logEnd',
        to: "    if (this.#role.type !== 'following') this.#producers.appended(header)\n    this.#logEnd",
      },
    ],
    seeds: 100,
  },
  {
    name: 'a broker answers before it knows the cluster',
    rule: 'a broker that answers knows the topics that were there when it started',
    edits: [
      {
        file: 'broker/broker.ts',
        from: 'if (!this.#isServing) return undefined\n',
        to: '\n',
      },
    ],
    seeds: 60,
  },
]

/**
 * Mutants that the scripted lives catch (lost-disks.ts): a replica counts only with the disk that
 * was in sync.
 */
export const lostDiskMutants: readonly Mutant[] = [
  {
    name: 'a replica joins with records that were deleted',
    rule: 'what was deleted stays deleted',
    edits: [
      {
        file: inSync,
        from: '    if (logStart < this.#ownStart) return false\n',
        to: '    if (logStart < 0) return false\n',
      },
    ],
    seeds: 230,
  },
  {
    name: 'an ISR in flight is not waited for',
    rule: 'while an ISR write is in flight, both ISRs have what is committed',
    edits: [
      {
        file: inSync,
        from: 'for (const members of [this.#isr, this.#proposed])',
        to: 'for (const members of [this.#isr])',
      },
      {
        file: inSync,
        from: 'if (this.#isAboutToJoin(follower, nowMs)) end',
        to: 'if (end < 0) end',
      },
    ],
    seeds: 230,
  },
  {
    name: 'a replica joins before it has all that is committed',
    rule: 'a member of the ISR has all that is committed',
    edits: [
      {
        file: inSync,
        from: 'return end >= this.#highWatermark && end >= this.#options.epochStart',
        to: 'return end >= 0',
      },
      {
        file: inSync,
        from: 'nowMs - follower.caughtUpMs > this.#options.lagTimeMsMax',
        to: 'nowMs - follower.fetchedMs > this.#options.lagTimeMsMax',
      },
    ],
    seeds: 230,
  },
  {
    name: 'elected by id, not by life',
    rule: 'a member is elected in the life and with the directory that the ISR names',
    edits: [
      {
        file: controller,
        from: 'const unbroken = known.isr.filter((member) => isUnbroken(member, standingOf(member)))',
        to: `const unbroken = known.isr.flatMap((member) => {
    const standing = standingOf(member)
    if (isUnbroken(member, standing) || standing?.life === undefined) return member
    return { ...member, ...standing.life, isAwaited: false }
  }).filter((member) => standingOf(member)?.life !== undefined)`,
      },
    ],
    seeds: 230,
  },
  {
    name: 'a wiped disk reports for the one before it',
    rule: 'a directory with another identity has promised nothing',
    edits: [
      {
        file: election,
        from: 'life.directory !== member.directory || status?.type',
        to: 'status?.type',
      },
    ],
    seeds: 230,
  },
  {
    name: 'an old copy keeps its identity',
    rule: 'a directory below its mark promises nothing',
    edits: [
      {
        file: marks,
        from: 'if (known.mark === undefined || !isBelow(mark, known.mark)) return',
        to: 'if (known !== undefined) return',
      },
    ],
    seeds: 230,
  },
  {
    name: 'marks per broker instead of per identity',
    rule: 'a disk that returns after another one was used is still in sync',
    edits: [
      {
        file: session,
        from: 'new Marks({ zk, directory: dataDir, log })',
        to: 'new Marks({ zk, directory: dataDir, log, id: String(id) })',
      },
      {
        file: marks,
        from: 'const path = zkPaths.mark(directoryId)',
        to: 'const path = zkPaths.mark(this.#options.id)',
      },
      {
        file: marks,
        from: 'getData(zkPaths.mark(directoryId))',
        to: 'getData(zkPaths.mark(this.#options.id))',
      },
    ],
    seeds: 230,
  },
  {
    name: 'high watermarks of reports are ignored',
    rule: 'a log that ends below any known high watermark does not lead',
    edits: [
      {
        file: election,
        from: 'return Math.max(committed, ...known)',
        to: 'return Math.max(committed, known.length * 0)',
      },
    ],
    seeds: 230,
  },
  {
    name: 'the ISR is those that came',
    rule: 'an intact log that returns after an election stays in the ISR',
    edits: [
      {
        file: election,
        from: 'kept: kept.map(({ member }) => ({ ...member, isAwaited: true })),',
        to: 'kept: [],',
      },
      {
        file: election,
        from: 'lost: lost.map(({ member }) => member.broker)',
        to: 'lost: [...lost, ...kept].map(({ member }) => member.broker)',
      },
    ],
    seeds: 230,
  },
  {
    name: 'a log whose tail was cut leads alone',
    rule: 'a log whose tail was cut waits for the log of another member',
    edits: [
      {
        file: election,
        from: "return best.log.type === 'tail-cut' && isAlone ? 'wait' : best",
        to: "return best.log.type === 'tail-cut' && isAlone && claims.length < 0 ? 'wait' : best",
      },
    ],
    seeds: 230,
  },
  {
    name: 'an election waits for no other log',
    rule: 'the first log waits for those of the other members',
    edits: [
      { file: election, from: 'if (!isTimeUp && claims.some(', to: 'if (!isTimeUp && [].some(' },
    ],
    seeds: 230,
  },
  {
    name: 'the controller does not look at a partition again when a replica reports',
    rule: 'what changed is decided again',
    edits: [
      {
        file: image,
        from: '    this.#reports.set(name, report)\n    this.#reportChanged(name)\n',
        to: '    this.#reports.set(name, report)\n',
      },
    ],
    seeds: 230,
  },
  {
    name: 'the controller removes the last follower of a leader',
    rule: 'a leader that may be gone itself keeps its followers in the ISR',
    edits: [
      {
        file: controller,
        from: 'return byBroker(kept.length > 1 ? kept : whole)',
        to: 'return byBroker(kept.length > 0 ? kept : whole)',
      },
    ],
    seeds: 230,
  },
  {
    name: 'eligible replicas are not asked beside the ISR',
    rule: 'a log that lacks what it does not know of leads before no eligible one that has it',
    edits: [
      {
        file: election,
        from: '(hasLog ? [...inSync, ...eligible] : inSync)',
        to: '(hasLog ? inSync : inSync)',
      },
    ],
    seeds: 230,
  },
  {
    name: 'a report of an earlier life is used',
    rule: 'a report holds for one life of its broker and one version of the state',
    edits: [
      {
        file: reports,
        from: "zk.create(path, text, { mode: 'ephemeral' })",
        to: 'zk.create(path, text)',
      },
      {
        file: image,
        from: 'report?.session === session ? report.status : undefined',
        to: 'session > 0 ? report?.status : undefined',
      },
      {
        file: election,
        from: 'return isSameLife(status.life, life) && status.stateVersion === version',
        to: 'return isSameLife(life, life) && status.stateVersion <= version',
      },
      {
        file: election,
        from: "{ type: 'log', member, log: status }",
        to: "{ type: 'log', member, log: { ...status, life } }",
      },
    ],
    seeds: 230,
  },
  {
    name: 'epochs are remembered beyond a truncation',
    rule: 'what is known of epochs is what the log says',
    edits: [{ file: partition, from: '    this.#epochs.truncated(end)\n', to: '' }],
    seeds: 230,
  },
  {
    name: 'producers not re-read after truncation',
    rule: 'a batch sent again is recognised',
    edits: [
      {
        file: logCut,
        from: '      core.restoreProducers(written)\n      log.forEachHeader(written.end, (header) => core.rememberProducer(header))\n',
        to: '',
      },
    ],
    seeds: 230,
  },
  {
    name: 'the tail is not written again after a failed fsync',
    rule: 'what is read after a failed fsync may be in memory only: written again before it counts',
    edits: [
      {
        file: recovery,
        from: '  segment.rewrite({ file, from: knownDurable ?? vouched ?? -1 })\n',
        to: '',
      },
    ],
    seeds: 230,
  },
  {
    name: 'acknowledge before durable',
    rule: durableRule,
    edits: [
      {
        file: leading,
        from: '    this.#core.appended(readBatchHeader(batch))\n',
        to: '    this.#core.appended(readBatchHeader(batch))\n    this.#core.durable(this.#core.logEnd, this.#clock.nowMs())\n',
      },
    ],
    seeds: 230,
  },
]

/** Mutants that the scenarios catch (scenarios.ts). */
export const scenarioMutants: readonly Mutant[] = [
  {
    name: 'a follower takes what does not continue its log',
    rule: 'a log has no gaps',
    edits: [
      {
        file: partition,
        from: '      (baseOffset <= this.#logEnd || baseOffset <= gapsBelow) &&\n',
        to: '',
      },
      {
        file: partition,
        from: '    if (baseOffset >= this.#logEnd) return true\n',
        to: '    if (baseOffset >= 0) return true\n',
      },
      {
        file: following,
        from: "if (fetched.offset !== this.#core.logEnd) return 'not next'",
        to: '',
      },
      {
        file: fetcher,
        from: 'if (follower?.since !== fetched.since) continue',
        to: 'if (follower === undefined) continue',
      },
    ],
    seeds: 300,
  },
  {
    name: 'eligible replicas stay when min.insync.replicas falls',
    rule: 'nothing is committed without a replica that may be elected later on',
    edits: [
      {
        file: inSync,
        from: 'return this.#isr.size >= this.#minInsyncReplicas && !this.#hasEligible',
        to: 'return this.#isr.size >= this.#minInsyncReplicas',
      },
      {
        file: 'broker/partition/partition-state.ts',
        from: 'return { ...state, isr: sorted, eligible: [] }',
        to: 'return { ...state, isr: sorted }',
      },
      {
        file: inSync,
        from: 'const mayDropEligible = this.#hasEligible && wanted.length >= this.#minInsyncReplicas',
        to: 'const mayDropEligible = false',
      },
    ],
    seeds: 60,
  },
  {
    name: 'a leader keeps the min.insync.replicas with which it began',
    rule: 'what is acknowledged is on the disks of min.insync.replicas, after a change, too',
    edits: [
      {
        file: replicaManager,
        from: '      replica.setMinInsyncReplicas(image.minInsyncReplicas(found, partition))\n',
        to: '',
      },
    ],
    seeds: 60,
  },
  {
    name: 'tombstones go with their first compaction',
    rule: 'a tombstone is kept for delete.retention.ms',
    edits: [
      {
        file: compaction,
        from: '!(each.value === null && isOver)',
        to: 'each.value !== null',
      },
    ],
    seeds: 60,
  },
  {
    name: 'a tombstone goes before what it deletes',
    rule: 'a key that was deleted stays deleted',
    edits: [
      {
        file: compaction,
        from: 'rules.latest.isLatest(each) && !(each.value === null && isOver)',
        to: '!(each.value === null && rules.deleteRetentionMs === 0)',
      },
    ],
    seeds: 60,
  },
  {
    name: 'the last value of a key is compacted away',
    rule: 'compaction removes only what a later record of the same key supersedes',
    edits: [
      {
        file: compaction,
        from: 'return key !== null && offset >= (this.#offsets.get(nameOf(key)) ?? offset)',
        to: 'return key !== null && !this.#offsets.has(nameOf(key))',
      },
    ],
    seeds: 60,
  },
  {
    name: 'compaction closes gaps',
    rule: 'a record that stays keeps its offset',
    edits: [
      {
        file: compaction,
        from: 'return rebuiltBatch(batch, kept, { horizonMs: newHorizonMs, compressor })',
        to: `return rebuiltBatch(
    batch,
    kept.map((each, i) => ({ ...each, offset: header.baseOffset + i })),
    { horizonMs: newHorizonMs, compressor },
  )`,
      },
    ],
    seeds: 60,
  },
  {
    name: 'a broker that is told to stop hands nothing over',
    rule: 'a broker that is told to stop hands its partitions over first',
    edits: [{ file: 'broker/broker.ts', from: '    await this.#handOver()\n', to: '' }],
    seeds: 60,
  },
  {
    name: 'the preferred replica is not elected on request',
    rule: 'an election on request makes the preferred replica lead',
    edits: [
      {
        file: leadership,
        from: 'const [preferred] = standings',
        to: 'const preferred = standings.at(-1)',
      },
    ],
    seeds: 60,
  },
  {
    name: 'a broker says that it has removed what it is about to remove',
    rule: 'nothing of a deleted topic stays on a disk, even if the broker dies meanwhile',
    edits: [
      {
        file: removal,
        from: "      await replicas.remove(names)\n      if (await this.#takeOut(deleted)) log.info({ topic, topicId }, 'Removed a deleted topic')\n",
        to: '      await this.#takeOut(deleted)\n      await replicas.remove(names)\n',
      },
    ],
    seeds: 60,
  },
  {
    name: 'a broker that is stopping leads on after its session expired',
    rule: 'a broker without a session leads nothing, also while it hands its partitions over',
    edits: [
      {
        file: sessions,
        from: '    resign()\n    if (this.#isClosed) return //',
        to: '    if (this.#isClosed) return\n    resign() //',
      },
    ],
    seeds: 60,
  },
  {
    name: 'a reassignment takes its target for in sync',
    rule: 'replicas that a reassignment makes join the ISR by fetching, and it ends when they have',
    edits: [
      {
        file: reassignment,
        from: 'const isr = known.isr.filter(({ broker }) => target.includes(broker))',
        to: `const isr = standings.flatMap(({ broker, life }) =>
    target.includes(broker) && life !== undefined ? { broker, ...life, isAwaited: false } : [],
  )`,
      },
      {
        file: reassignment,
        from: 'if (!isGoingBack(move) && !target.every((broker) => isInSync(known, broker, standings))) {',
        to: 'if (known.leader < 0) {',
      },
    ],
    seeds: 60,
  },
  {
    name: 'a deletion is answered by the leader alone',
    rule: 'what was deleted stays deleted',
    edits: [
      {
        file: inSync,
        from: 'low = Math.min(low, follower.logStart)',
        to: 'low = Math.min(low, follower.logStart + low)',
      },
    ],
    seeds: 60,
  },
  {
    name: 'what the throttle holds is never looked at again',
    rule: 'a throttle delays what replicas that catch up take, and never stops it',
    edits: [
      {
        file: throttle,
        from: 'this.#cancelLook ??= this.#options.clock.after(lookAgainMs, () => this.#look())',
        to: '',
      },
    ],
    seeds: 60,
  },
  {
    name: 'a replica that is to go is removed before the state is without it',
    rule: 'a directory is removed once the state that needs it no more is committed',
    edits: [
      {
        file: leftovers,
        from: 'const partitions = leftoversOf(found.assignment, self)',
        to: `const partitions = [...(found.assignment.moves ?? [])].flatMap(([partition, { target }]) =>
        target.includes(self) ? [] : partition,
      ).concat(leftoversOf(found.assignment, self))`,
      },
      {
        file: 'broker/replication/assigned-replicas.ts',
        from: 'if (replicas?.includes(self) !== true) return undefined',
        to: `if (replicas?.includes(self) !== true) return undefined
    if (assignment.moves?.get(partition)?.target.includes(self) === false) return undefined`,
      },
    ],
    seeds: 60,
  },
]
