// A broker's groups over a tree in memory, which tests suspend between any two steps: the answers
// when ZooWeeper is slow, when a connection breaks, and when another broker claims the group.

import t from 'tap'
import { ClusterImage } from '../../../src/broker/cluster/cluster-image.ts'
import { zkPaths } from '../../../src/broker/cluster/zk-paths.ts'
import { GroupCoordinator } from '../../../src/broker/group/group-coordinator.ts'
import type { JoinAnswer, SyncAnswer } from '../../../src/broker/group/group-members.ts'
import { silentLogger } from '../../../src/logger.ts'
import type { BrokerId } from '../../../src/protocol/mq/messages.ts'
import { settled, VirtualClock } from '../../virtual-clock.ts'
import { MemoryTree } from '../memory-zk.ts'
import { life } from '../partition/members.ts'

const self = 1 as BrokerId
const noAssignments: ReadonlyMap<string, Uint8Array> = new Map()

class Scene {
  readonly tree = MemoryTree.ofCluster()
  readonly zk = this.tree.session()
  readonly clock = new VirtualClock()
  readonly image = new ClusterImage()
  hasSession = true
  readonly groups: GroupCoordinator
  #idCount = 0

  constructor() {
    this.setBrokers(1)
    this.groups = new GroupCoordinator({
      self,
      image: this.image,
      clock: this.clock,
      log: silentLogger,
      rules: {
        initialDelayMs: 0,
        sessionTimeoutMsMin: 100,
        sessionTimeoutMsMax: 60_000,
        membersMax: 10,
        bytesMax: 10_000,
      },
      zk: () => (this.hasSession ? this.zk : undefined),
    })
  }

  setBrokers(...ids: number[]): void {
    this.image.brokers.clear()
    for (const id of ids as BrokerId[]) {
      const { directory, brokerEpoch: epoch } = life(id)
      const address = { host: 'h', port: 9090 + id }
      this.image.brokers.set(id, { id, ...address, directory, epoch, session: 100 + id })
    }
  }

  /** the answer is undefined until it arrives */
  join(memberId = ''): { answer: JoinAnswer | undefined } {
    const found: { answer: JoinAnswer | undefined } = { answer: undefined }
    const request = {
      memberId,
      newMemberId: `member ${++this.#idCount}`,
      mustKnowId: false,
      maySkipAssignment: false,
      instanceId: null,
      clientId: 'client',
      clientHost: 'host',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.alloc(1) }],
    }
    void this.groups.join('g', request, (answer) => {
      if (found.answer !== undefined) throw new Error('The request was answered twice')
      found.answer = answer
    })
    return found
  }

  sync(memberId: string, generation: number): { answer: SyncAnswer | undefined } {
    const found: { answer: SyncAnswer | undefined } = { answer: undefined }
    const names = { protocolType: null, protocol: null }
    const request = { memberId, generation, instanceId: null, ...names, assignments: noAssignments }
    this.groups.sync('g', request, (answer) => {
      found.answer = answer
    })
    return found
  }

  commit(memberId: string, generation: number, offset: number): Promise<string> {
    const partition = { topic: 't', partition: 0, offset, leaderEpoch: -1, metadata: '' }
    return this.groups.commit('g', { memberId, generation, instanceId: null }, [partition])
  }

  heartbeat(memberId: string, generation: number): string {
    return this.groups.heartbeat('g', { memberId, generation, instanceId: null })
  }

  get committed(): string | undefined {
    return this.tree.text(zkPaths.groupOffset('g', 't', 0))
  }

  /** A member of generation 1 with its assignment. */
  async stable(): Promise<string> {
    const { answer } = await answered(this.join())
    this.sync(answer.memberId, 1)
    return answer.memberId
  }
}

async function answered(found: {
  answer: JoinAnswer | undefined
}): Promise<{ answer: JoinAnswer }> {
  await settled()
  const { answer } = found
  if (answer === undefined) throw new Error('The request is not answered')
  return { answer }
}

t.test('a generation is recorded before its members learn of it', async (t) => {
  const scene = new Scene()
  const member = await scene.stable()
  const path = zkPaths.groupCoordinator('g')
  const stopped = scene.zk.stopAt('answer', 'setData', path)
  const again = scene.join(member)
  await stopped
  await settled()
  t.match(JSON.parse(scene.tree.text(path) ?? ''), { generation: 2, brokerid: 1 })
  t.equal(again.answer, undefined)
  scene.zk.resume()
  t.match(await answered(again), { answer: { error: 'NONE', generation: 2 } })
})

t.test('commits received before a rebalance are stored before it completes', async (t) => {
  const scene = new Scene()
  const member = await scene.stable()
  const stopped = scene.zk.stopAt('request', 'multi')
  const committing = scene.commit(member, 1, 7)
  await stopped
  const again = scene.join(member)
  await settled()
  t.equal(again.answer, undefined, 'the next owner of the partition would not find it')
  scene.zk.resume()
  t.equal(await committing, 'NONE')
  t.equal(scene.committed, '7')
  t.match(await answered(again), { answer: { generation: 2 } })
})

t.test('when another broker claims the group, each waiting request is answered once', async (t) => {
  const scene = new Scene()
  const member = await scene.stable()
  const waiting = scene.join()
  await settled()
  t.equal(waiting.answer, undefined)
  await scene.tree.session().setData(zkPaths.groupCoordinator('g'), '{}')
  t.equal(await scene.commit(member, 1, 7), 'NOT_COORDINATOR')
  t.match(await answered(waiting), { answer: { error: 'NOT_COORDINATOR' } })
  t.equal(scene.heartbeat(member, 1), 'UNKNOWN_MEMBER_ID')
  t.equal(scene.committed, undefined)
})

t.test('a generation that may not have been recorded does not begin', async (t) => {
  const scene = new Scene()
  const member = await scene.stable()
  const stopped = scene.zk.stopAt('answer', 'setData')
  const again = scene.join(member)
  await stopped
  scene.zk.disconnect()
  t.match(await answered(again), { answer: { error: 'NOT_COORDINATOR' } })
  scene.zk.reconnect()
  t.match(await answered(scene.join()), { answer: { error: 'NONE', generation: 3 } })
})

t.test('a commit with an unknown outcome can be retried by the same member', async (t) => {
  const scene = new Scene()
  const member = await scene.stable()
  const stopped = scene.zk.stopAt('answer', 'multi')
  const committing = scene.commit(member, 1, 7)
  await stopped
  scene.zk.disconnect()
  t.equal(await committing, 'NOT_COORDINATOR')
  scene.zk.reconnect()
  t.equal(scene.heartbeat(member, 1), 'NONE', 'the group is still ours')
  t.equal(await scene.commit(member, 1, 7), 'NONE')
})

t.test('a broker without a session coordinates no group', async (t) => {
  const scene = new Scene()
  const member = await scene.stable()
  scene.hasSession = false
  t.equal(scene.heartbeat(member, 1), 'NOT_COORDINATOR')
  t.equal(await scene.commit(member, 1, 7), 'NOT_COORDINATOR')
  t.match(await answered(scene.join()), { answer: { error: 'NOT_COORDINATOR' } })
  t.equal(scene.sync(member, 1).answer?.error, 'NOT_COORDINATOR')
  t.equal(scene.groups.leave('g', [{ memberId: member, instanceId: null }]), 'NOT_COORDINATOR')
  await t.rejects(scene.groups.list(), { code: 'NOT_COORDINATOR' })
  scene.hasSession = true
  t.equal(scene.heartbeat(member, 1), 'NONE', 'no other broker claimed the group')
})

t.test('silent members are removed, and no timer is left', async (t) => {
  const scene = new Scene()
  const member = await scene.stable()
  await scene.clock.advance(9000)
  t.equal(scene.heartbeat(member, 1), 'NONE')
  await scene.clock.advance(9000)
  t.match(await scene.groups.describe('g'), { state: 'Stable' })
  await scene.clock.advance(2000)
  t.match(await scene.groups.describe('g'), { state: 'Empty' })
  t.equal(scene.clock.timerCount, 0)
  await scene.stable().catch(() => undefined)
  scene.groups.close()
  t.equal(scene.clock.timerCount, 0)
})

t.test('concurrent joins share one claim of the group', async (t) => {
  const scene = new Scene()
  const joins = [scene.join(), scene.join()]
  await settled()
  const claims = scene.zk.made.filter((call) => call === `create ${zkPaths.groupCoordinator('g')}`)
  // The first create finds no parent. Both joins share it and its successor.
  t.equal(claims.length, 2)
  t.match(joins[0]?.answer, { error: 'NONE', generation: 1 })
  t.equal(joins[1]?.answer, undefined, 'it waits for the first one to join again')
})

t.test('groups that the image assigns to another broker are given up', async (t) => {
  const scene = new Scene()
  const member = await scene.stable()
  const waiting = scene.join()
  await settled()
  scene.setBrokers(2)
  scene.groups.imageChanged()
  t.match(await answered(waiting), { answer: { error: 'NOT_COORDINATOR' } })
  t.equal(scene.heartbeat(member, 1), 'NOT_COORDINATOR')
  scene.setBrokers(1)
  t.equal(scene.heartbeat(member, 1), 'UNKNOWN_MEMBER_ID')
})
