// A broker's groups over a log in memory, whose replicas a test holds back: what is answered when, what
// the next coordinator knows, and what is deleted.

import t from 'tap'
import { ClusterImage } from '../../../src/broker/cluster/cluster-image.ts'
import { GroupCoordinator } from '../../../src/broker/group/group-coordinator.ts'
import type { JoinAnswer, SyncAnswer } from '../../../src/broker/group/group-members.ts'
import { offsetsTopic } from '../../../src/broker/group/offsets-topic.ts'
import { limits } from '../../../src/limits.ts'
import { silentLogger } from '../../../src/logger.ts'
import { encodeSubscription } from '../../../src/protocol/kafka/consumer-protocol.ts'
import { BrokerError } from '../../../src/protocol/mq/error-codes.ts'
import { noCommit } from '../../../src/protocol/mq/offset-commit.ts'
import { settled, VirtualClock } from '../../virtual-clock.ts'
import { ids } from '../partition/members.ts'
import { StoredLog } from './stored-log.ts'

const minuteMs = 60_000
const retentionMs = 10 * minuteMs
const timeoutMs = 5000
const place = { topic: 't', partition: 0 }

interface Joining {
  memberId?: string
  instanceId?: string
  topics?: string[]
  sessionTimeoutMs?: number
}

class Scene {
  readonly clock = new VirtualClock()
  readonly log = new StoredLog()
  readonly image = new ClusterImage()
  readonly made: [number, number][] = []
  groups = this.coordinator()
  #idCount = 0

  constructor() {
    this.image.setTopic(offsetsTopic, { topicId: 'id-of-offsets', replicas: [ids(1)] })
    this.image.setTopic('t', { topicId: 'id-of-t', replicas: [ids(1), ids(1)] })
    this.groups.imageChanged()
  }

  /** of the next attempts to make the offsets topic */
  readonly failures: BrokerError[] = []

  coordinator(): GroupCoordinator {
    return new GroupCoordinator({
      image: this.image,
      replicas: { get: (topic) => (topic === offsetsTopic ? this.log : undefined) },
      clock: this.clock,
      log: silentLogger,
      rules: {
        initialDelayMs: 0,
        sessionTimeoutMsMin: 100,
        sessionTimeoutMsMax: 10 * retentionMs,
        membersMax: 10,
        bytesMax: 10_000,
      },
      offsetsTopic: { partitionCount: 1, replicaCountMax: 3 },
      commitTimeoutMs: timeoutMs,
      retentionMs,
      retentionCheckMs: minuteMs,
      makeTopic: async (...size) => {
        const [failure] = this.failures.splice(0, 1)
        if (failure !== undefined) throw failure
        this.made.push(size)
      },
    })
  }

  /** The next coordinator has what is committed. */
  async failOver(): Promise<void> {
    this.log.depose()
    this.groups.close()
    this.log.elect()
    this.groups = this.coordinator()
    this.groups.imageChanged()
    await this.clock.advance(10)
  }

  /** undefined until it is answered */
  join({ memberId = '', instanceId, topics = ['t'], sessionTimeoutMs = 10_000 }: Joining = {}): {
    answer: JoinAnswer | undefined
  } {
    const found: { answer: JoinAnswer | undefined } = { answer: undefined }
    const metadata = encodeSubscription({
      topics,
      userData: null,
      ownedPartitions: [],
      generation: -1,
      rack: null,
    })
    const request = {
      memberId,
      newMemberId: `member ${++this.#idCount}`,
      mustKnowId: false,
      maySkipAssignment: true,
      instanceId: instanceId ?? null,
      clientId: 'client',
      clientHost: 'host',
      sessionTimeoutMs,
      rebalanceTimeoutMs: 10_000,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata }],
    }
    this.groups.join('g', request, (answer) => {
      if (found.answer !== undefined) throw new Error('It was answered twice')
      found.answer = answer
    })
    return found
  }

  sync(memberId: string, generation: number, assigned = 'all'): { answer: SyncAnswer | undefined } {
    const found: { answer: SyncAnswer | undefined } = { answer: undefined }
    const names = { protocolType: null, protocol: null }
    const assignments = new Map([[memberId, Buffer.from(assigned)]])
    const request = { memberId, generation, instanceId: null, ...names, assignments }
    this.groups.sync('g', request, (answer) => {
      found.answer = answer
    })
    return found
  }

  /** Of a member, or by -1 of none. @returns the code, and the version if it is committed */
  async commit(
    memberId: string,
    generation: number,
    offset: number,
    more: { follows?: number; topic?: string; group?: string; expireTimestampMs?: number } = {},
  ): Promise<[string, number]> {
    const { follows, topic = 't', group = 'g', expireTimestampMs = -1 } = more
    const rest = { leaderEpoch: -1, metadata: 'm', expireTimestampMs, follows }
    const partition = { topic, partition: 0, offset, ...rest }
    const claim = { memberId, generation, instanceId: null }
    const [outcome] = await this.groups.commit(group, claim, [partition])
    return [outcome?.error ?? '', outcome?.version ?? noCommit]
  }

  /** Of partitions 0 and up, with the longest metadata. @returns the codes of the answer */
  async commitMany(partitionCount: number): Promise<readonly string[]> {
    const rest = { offset: 5, leaderEpoch: -1, expireTimestampMs: -1, follows: undefined }
    const metadata = 'x'.repeat(limits.commitMetadataLengthMax)
    const commits = Array.from({ length: partitionCount }, (_, partition) => {
      return { topic: 't', partition, metadata, ...rest }
    })
    const claim = { memberId: '', generation: -1, instanceId: null }
    const outcomes = await this.groups.commit('g', claim, commits)
    return outcomes.map(({ error }) => error)
  }

  heartbeat(memberId: string, generation: number): string {
    return this.groups.heartbeat('g', { memberId, generation, instanceId: null })
  }

  get committed(): number | undefined {
    return this.groups.committed('g', place)?.offset
  }

  /** A member of the next generation with its assignment. */
  async stable(more: Joining = {}): Promise<[string, number]> {
    const { answer } = this.join(more)
    if (answer?.error !== 'NONE') throw new Error(`It is not answered: ${answer?.error}`)
    const { memberId, generation } = answer
    this.sync(memberId, generation)
    return [memberId, generation]
  }
}

// --- what is stored before what is answered ---------------------------------------------------------

t.test('a generation is stored before its members learn their assignments', async (t) => {
  const scene = new Scene()
  const { answer } = scene.join()
  t.match(answer, { error: 'NONE', generation: 1 })
  scene.log.isHolding = true
  const synced = scene.sync(answer?.memberId ?? '', 1)
  await settled()
  t.equal(synced.answer, undefined)
  scene.log.release()
  t.equal(Buffer.from(synced.answer?.assignment ?? []).toString(), 'all')
  t.match(scene.log.records.at(-1), {
    type: 'group',
    group: 'g',
    value: { generation: 1, protocol: 'range', members: [{ memberId: answer?.memberId }] },
  })
})

t.test('commits received before a rebalance are stored before it completes', async (t) => {
  const scene = new Scene()
  const [member] = await scene.stable()
  scene.log.isHolding = true
  const committing = scene.commit(member, 1, 7)
  const again = scene.join({ memberId: member })
  await settled()
  t.equal(again.answer, undefined, 'the next owner of the partition would not find it')
  t.equal(scene.committed, undefined, 'what may be lost is not read')
  scene.log.release()
  t.match(await committing, ['NONE'])
  t.equal(scene.committed, 7)
  t.match(again.answer, { generation: 2 })
})

t.test('answers whose records are late are errors, and the members join again', async (t) => {
  const scene = new Scene()
  const { answer } = scene.join()
  const member = answer?.memberId ?? ''
  scene.log.isHolding = true
  const synced = scene.sync(member, 1)
  const committing = scene.commit('', -1, 1, { group: 'other' })
  await scene.clock.advance(timeoutMs)
  t.match(synced.answer, { error: 'COORDINATOR_NOT_AVAILABLE' })
  t.match(await committing, ['COORDINATOR_NOT_AVAILABLE'])
  t.equal(scene.heartbeat(member, 1), 'REBALANCE_IN_PROGRESS')
  scene.log.release()
  t.equal(scene.groups.committed('other', place)?.offset, 1, 'it is committed after all')
  t.match(scene.join({ memberId: member }).answer, { error: 'NONE', generation: 2 })
})

t.test('with too few replicas in sync nothing is stored, and all are told', async (t) => {
  const scene = new Scene()
  const { answer } = scene.join()
  scene.log.isRefusing = true
  const member = answer?.memberId ?? ''
  t.match(scene.sync(member, 1).answer, { error: 'COORDINATOR_NOT_AVAILABLE' })
  t.match(await scene.commit('', -1, 1, { group: 'other' }), ['COORDINATOR_NOT_AVAILABLE'])
  t.equal(scene.heartbeat(member, 1), 'REBALANCE_IN_PROGRESS')
  scene.log.isRefusing = false
  t.match(scene.join({ memberId: member }).answer, { generation: 2 })
  t.match(scene.sync(member, 2).answer, { error: 'NONE' })
})

// --- the next coordinator -----------------------------------------------------------------------

t.test('the next coordinator knows members, generation and offsets', async (t) => {
  const scene = new Scene()
  const [member] = await scene.stable()
  await scene.commit(member, 1, 7)
  const before = scene.groups.describe('g')
  await scene.failOver()
  t.match(scene.groups.describe('g'), {
    state: 'Stable',
    generation: before.generation,
    members: before.members,
  })
  t.equal(scene.heartbeat(member, 1), 'NONE', 'its session goes on')
  t.equal(scene.committed, 7)
  t.match(await scene.commit(member, 1, 8), ['NONE'])
  t.match(scene.sync(member, 1).answer, { error: 'NONE', assignment: Buffer.from('all') })
  await scene.clock.advance(10_000)
  t.match(scene.groups.describe('g'), { state: 'Empty' }, 'it is missed as any other')
})

t.test('a static member returns to the next coordinator without a rebalance', async (t) => {
  const scene = new Scene()
  const [old] = await scene.stable({ instanceId: 'i' })
  await scene.failOver()
  const { answer } = scene.join({ instanceId: 'i' })
  t.match(answer, { error: 'NONE', generation: 1, skipAssignment: true })
  t.not(answer?.memberId, old)
  await scene.failOver()
  const claim = { generation: 1, instanceId: 'i' }
  t.equal(scene.groups.heartbeat('g', { memberId: old, ...claim }), 'FENCED_INSTANCE_ID')
  t.equal(scene.groups.heartbeat('g', { memberId: answer?.memberId ?? '', ...claim }), 'NONE')
})

t.test('a deposed coordinator acknowledges nothing, and tells all that wait', async (t) => {
  const scene = new Scene()
  const [member] = await scene.stable()
  await scene.commit(member, 1, 7)
  scene.log.isHolding = true
  const committing = scene.commit(member, 1, 8)
  const waiting = scene.join()
  scene.log.depose()
  t.match(await committing, ['NOT_COORDINATOR'])
  t.match(waiting.answer, { error: 'NOT_COORDINATOR' })
  t.equal(scene.heartbeat(member, 1), 'NOT_COORDINATOR')
  t.throws(() => scene.committed, { code: 'NOT_COORDINATOR' })
  scene.log.elect()
  t.equal(scene.committed, 7, 'led again, in another epoch, it reads again')
})

t.test('until it has read all that is committed, a coordinator does not answer', async (t) => {
  const scene = new Scene()
  const [member] = await scene.stable()
  for (const offset of [1, 2, 3, 4, 5]) await scene.commit(member, 1, offset)
  scene.log.depose()
  scene.log.elect({ mustCatchUp: true })
  const loading = 'COORDINATOR_LOAD_IN_PROGRESS'
  t.throws(() => scene.committed, { code: loading })
  t.throws(() => scene.groups.list(), { code: loading })
  t.match(scene.join().answer, { error: loading })
  t.match(await scene.commit(member, 1, 9), [loading])
  t.equal(scene.heartbeat(member, 1), 'NONE', 'its session is not counted yet')
  t.match(scene.sync(member, 1).answer, { error: 'REBALANCE_IN_PROGRESS' })
  t.match(await scene.groups.remove('g'), loading)
  scene.log.release()
  await scene.clock.advance(10)
  t.equal(scene.committed, 5)
})

t.test('a group that lost its last member keeps its generation', async (t) => {
  const scene = new Scene()
  const [member] = await scene.stable()
  scene.groups.leave('g', [{ memberId: member, instanceId: null }])
  t.match(scene.groups.describe('g'), { state: 'Empty' })
  await scene.failOver()
  t.match(scene.groups.list(), [{ group: 'g', state: 'Empty', protocolType: 'consumer' }])
  t.match(scene.join().answer, { generation: 3 })
})

// --- commits ------------------------------------------------------------------------------------

t.test('a commit follows the one that it names, or changes nothing', async (t) => {
  const scene = new Scene()
  const [, first] = await scene.commit('', -1, 3, { follows: noCommit })
  t.match(await scene.commit('', -1, 1, { follows: noCommit }), ['INVALID_UPDATE_VERSION'])
  const [, second] = await scene.commit('', -1, 10, { follows: first })
  t.match(await scene.commit('', -1, 5, { follows: first }), ['INVALID_UPDATE_VERSION', second])
  scene.log.isHolding = true
  const committing = scene.commit('', -1, 11, { follows: second })
  t.ok(scene.groups.isCommitting('g', place))
  t.match(await scene.commit('', -1, 12, { follows: second }), ['INVALID_UPDATE_VERSION'])
  scene.log.release()
  const [, third] = await committing
  await scene.failOver()
  t.equal(scene.groups.committed('g', place)?.version, third, 'versions survive')
  t.match(await scene.commit('', -1, 2, { follows: third }), ['NONE'], 'a reset goes back')
})

t.test('a member of another generation, or none, cannot commit', async (t) => {
  const scene = new Scene()
  const [member] = await scene.stable()
  t.match(await scene.commit(member, 0, 1), ['ILLEGAL_GENERATION'])
  t.match(await scene.commit('stranger', 1, 1), ['UNKNOWN_MEMBER_ID'])
  t.match(await scene.commit('', -1, 1), ['UNKNOWN_MEMBER_ID'])
  t.equal(scene.committed, undefined)
  t.equal(scene.log.records.length, 1)
})

// --- what is deleted ----------------------------------------------------------------------------

t.test('an empty group expires with its offsets, one with members does not', async (t) => {
  const scene = new Scene()
  const [member] = await scene.stable({ sessionTimeoutMs: 5 * retentionMs })
  await scene.commit(member, 1, 7)
  await scene.commit(member, 1, 7, { topic: 'unused' })
  await scene.clock.advance(retentionMs + minuteMs)
  t.equal(scene.committed, 7)
  const unused = scene.groups.committed('g', { topic: 'unused', partition: 0 })
  t.equal(unused, undefined, 'no member consumes this topic')
  scene.groups.leave('g', [{ memberId: member, instanceId: null }])
  await scene.clock.advance(retentionMs - minuteMs)
  t.equal(scene.committed, 7, 'it has been empty for less than that')
  await scene.clock.advance(2 * minuteMs)
  t.same(scene.groups.list(), [])
  await scene.failOver()
  t.same(scene.groups.list(), [], 'and so for the next coordinator')
  t.match(scene.log.records.slice(-2), [
    { type: 'offset', value: null },
    { type: 'group', value: null },
  ])
})

t.test(
  'offsets of a group that the log could not be told is empty expire after that',
  async (t) => {
    const scene = new Scene()
    const [member] = await scene.stable({ sessionTimeoutMs: 5 * retentionMs })
    await scene.commit(member, 1, 7)
    scene.log.isRefusing = true
    scene.groups.leave('g', [{ memberId: member, instanceId: null }])
    await scene.clock.advance(retentionMs + minuteMs)
    scene.log.isRefusing = false
    await scene.clock.advance(minuteMs)
    t.match(scene.log.records.at(-1), { type: 'group', value: { generation: 2, members: [] } })
    await scene.clock.advance(retentionMs + minuteMs)
    t.same(scene.groups.list(), [])
    t.match(scene.log.records.slice(-3), [
      { type: 'group', value: { members: [] } },
      { type: 'offset', value: null },
      { type: 'group', value: null },
    ])
  },
)

t.test('an offset of no member expires from its commit, or when its client said', async (t) => {
  const scene = new Scene()
  await scene.commit('', -1, 1)
  await scene.commit('', -1, 2, {
    topic: 'short',
    expireTimestampMs: scene.clock.wallMs() + 2 * minuteMs,
  })
  await scene.clock.advance(3 * minuteMs)
  t.equal(scene.groups.committed('g', { topic: 'short', partition: 0 }), undefined)
  t.equal(scene.committed, 1)
  await scene.clock.advance(retentionMs)
  t.same(scene.groups.list(), [])
})

t.test('a group is deleted for good, once it is empty', async (t) => {
  const scene = new Scene()
  const [member] = await scene.stable()
  await scene.commit(member, 1, 7)
  t.equal(await scene.groups.remove('g'), 'NON_EMPTY_GROUP')
  t.equal(await scene.groups.remove('none'), 'GROUP_ID_NOT_FOUND')
  scene.groups.leave('g', [{ memberId: member, instanceId: null }])
  t.equal(await scene.groups.remove('g'), 'NONE')
  t.match(scene.groups.describe('g'), { state: 'Dead' })
  await scene.failOver()
  t.same(scene.groups.list(), [])
  t.match(scene.join().answer, { generation: 1 }, 'the name begins anew')
})

t.test('offsets of topics that a member consumes are not deleted', async (t) => {
  const scene = new Scene()
  const other = { topic: 'u', partition: 0 }
  const [member] = await scene.stable()
  await scene.commit(member, 1, 7)
  await scene.commit(member, 1, 7, { topic: 'u' })
  t.same(await scene.groups.deleteOffsets('g', [place, other]), [
    'GROUP_SUBSCRIBED_TO_TOPIC',
    'NONE',
  ])
  t.equal(scene.committed, 7)
  t.equal(scene.groups.committed('g', other), undefined)
  t.equal(await scene.groups.deleteOffsets('none', [place]), 'GROUP_ID_NOT_FOUND')
  scene.groups.leave('g', [{ memberId: member, instanceId: null }])
  t.same(await scene.groups.deleteOffsets('g', [place]), ['NONE'])
  t.equal(scene.committed, undefined)
})

t.test('a deleted topic takes its offsets along, also one that was made again', async (t) => {
  const scene = new Scene()
  await scene.commit('', -1, 7)
  scene.image.setBadTopic('t')
  scene.groups.imageChanged()
  t.equal(scene.committed, 7, 'it exists, though its znode cannot be read')
  scene.image.setTopic('t', { topicId: 'another', replicas: [ids(1)] })
  scene.groups.imageChanged()
  t.equal(scene.committed, undefined)
  await scene.commit('', -1, 3)
  scene.groups.imageChanged()
  t.equal(scene.committed, 3)
  scene.image.removeTopic('t')
  await scene.failOver()
  t.equal(scene.committed, undefined, 'the next coordinator finds that it is gone')
})

// --- the offsets topic --------------------------------------------------------------------------

t.test('the offsets topic is made once, with replicas on the brokers of the cluster', async (t) => {
  const scene = new Scene()
  await scene.groups.prepare()
  t.same(scene.made, [], 'it exists')
  scene.image.removeTopic(offsetsTopic)
  await t.rejects(scene.groups.prepare(), { code: 'COORDINATOR_NOT_AVAILABLE' }, 'broker 1 is down')
  const [id = 1] = ids(1)
  scene.image.setBroker({ id, host: 'h', port: 1, directory: 'd', epoch: 1, session: 1 } as never)
  scene.failures.push(new BrokerError('INVALID_REPLICATION_FACTOR', 'a broker has just left'))
  await t.rejects(scene.groups.prepare(), { code: 'COORDINATOR_NOT_AVAILABLE' }, 'it is retried')
  await Promise.all([scene.groups.prepare(), scene.groups.prepare()])
  t.same(scene.made, [[1, 1]])
  t.equal(scene.heartbeat('m', 1), 'NOT_COORDINATOR')
  t.same(scene.groups.list(), [])
})

t.test('no timer is left behind', async (t) => {
  const scene = new Scene()
  await scene.stable()
  scene.log.isHolding = true
  void scene.commit('', -1, 1, { group: 'other' })
  scene.groups.close()
  t.equal(scene.clock.timerCount, 0)
})

t.test('offsets that do not fit one batch are all refused, and none of them is kept', async (t) => {
  const scene = new Scene()
  await scene.clock.advance(10)
  const [code, most] = ['INVALID_COMMIT_OFFSET_SIZE', limits.recordBatchBytesMax]
  const tooMany = Math.ceil(most / limits.commitMetadataLengthMax)
  t.same(
    await scene.commitMany(tooMany),
    Array.from({ length: tooMany }, () => code),
  )
  t.equal(scene.committed, undefined)
  t.same(new Set(await scene.commitMany(tooMany - 10)), new Set(['NONE']))
  t.equal(scene.committed, 5)
})
