// The core of a consumer group, with time moved by the tests: which answers it sends, and when.

import t from 'tap'
import { Group, type GroupRules } from '../../../src/broker/group/group.ts'
import type { GroupEffect, StoredGroup } from '../../../src/broker/group/group-effects.ts'
import type { JoinRequest, Protocol } from '../../../src/broker/group/group-members.ts'

const rules: GroupRules = {
  initialDelayMs: 0,
  sessionTimeoutMsMin: 100,
  sessionTimeoutMsMax: 10_000,
  membersMax: 4,
  bytesMax: 1000,
}

function protocol(name: string, metadata = ''): Protocol {
  return { name, metadata: Buffer.from(metadata) }
}

/** A group whose requests have names and whose answers are lines of text. */
class Scene {
  readonly group: Group<string, string>
  nowMs = 0
  readonly stored: StoredGroup[] = []

  constructor(more: Partial<GroupRules> = {}, stored?: StoredGroup) {
    this.group = new Group({ ...rules, ...more }, stored, 0)
  }

  /** `ask` names the request; it is also the new id of a member without one. */
  join(ask: string, more: Partial<JoinRequest> = {}): string[] {
    return this.#told(
      this.group.join(
        ask,
        {
          memberId: '',
          newMemberId: ask,
          mustKnowId: false,
          maySkipAssignment: false,
          instanceId: null,
          clientId: 'client',
          clientHost: 'host',
          sessionTimeoutMs: 1000,
          rebalanceTimeoutMs: 3000,
          protocolType: 'consumer',
          protocols: [protocol('range')],
          ...more,
        },
        this.nowMs,
      ),
    )
  }

  rejoin(memberId: string, more: Partial<JoinRequest> = {}): string[] {
    return this.join(`${memberId}'`, { memberId, ...more })
  }

  sync(
    memberId: string,
    generation: number,
    assignments: Record<string, string> = {},
    instanceId: string | null = null,
  ): string[] {
    const entries = Object.entries(assignments).map(
      ([id, text]) => [id, Buffer.from(text)] as const,
    )
    const names = { protocolType: null, protocol: null }
    const request = { memberId, generation, instanceId, ...names, assignments: new Map(entries) }
    return this.#told(this.group.sync(`${memberId}?`, request, this.nowMs))
  }

  heartbeat(memberId: string, generation: number, instanceId: string | null = null): string {
    return this.group.heartbeat({ memberId, generation, instanceId }, this.nowMs)
  }

  commit(memberId: string, generation: number, instanceId: string | null = null): string {
    return this.group.checkCommit({ memberId, generation, instanceId }, this.nowMs)
  }

  leave(...members: (string | { memberId: string; instanceId: string })[]): [string[], string[]] {
    const claims = members.map((one) => {
      return typeof one === 'string' ? { memberId: one, instanceId: null } : one
    })
    const { errors, effects } = this.group.leave(claims, this.nowMs)
    return [errors, this.#told(effects)]
  }

  /** Moves time, with a tick at each deadline, as a coordinator does. */
  advance(durationMs: number): string[] {
    const untilMs = this.nowMs + durationMs
    const told: string[] = []
    while (this.group.deadlineMs <= untilMs) {
      this.nowMs = Math.max(this.nowMs, this.group.deadlineMs)
      told.push(...this.#told(this.group.tick(this.nowMs)))
    }
    this.nowMs = untilMs
    return told
  }

  get state(): string {
    return this.group.describe().state
  }

  get memberIds(): string[] {
    return this.group.describe().members.map(({ memberId }) => memberId)
  }

  /** What is to be stored is kept apart, and comes before what is told after it. */
  #told(effects: readonly GroupEffect<string, string>[]): string[] {
    const told: string[] = []
    for (const effect of effects) {
      if (effect.type === 'store') {
        if (told.some((one) => one.includes('?: '))) throw new Error('It was told before')
        this.stored.push(effect.group)
      } else told.push(textOf(effect))
    }
    return told
  }
}

function textOf(effect: Exclude<GroupEffect<string, string>, { type: 'store' }>): string {
  switch (effect.type) {
    case 'joined': {
      const { error, memberId, generation, leader, members, protocol } = effect.answer
      if (error !== 'NONE') return `${effect.to}: ${error}`
      const leads = members.map((one) => one.memberId).join(',')
      const skips = effect.answer.skipAssignment ? ' skips' : ''
      return `${effect.to}: ${memberId} in ${generation} by ${protocol} under ${leader} [${leads}]${skips}`
    }
    case 'synced': {
      const { error, assignment } = effect.answer
      return `${effect.to}: ${error === 'NONE' ? Buffer.from(assignment).toString() : error}`
    }
  }
}

/** A stable group in generation 2: `a` leads, `b` follows, and both have their assignments. */
function stable(more: Partial<GroupRules> = {}): Scene {
  const scene = new Scene(more)
  scene.join('a')
  scene.join('b')
  scene.rejoin('a')
  scene.sync('b', 2)
  scene.sync('a', 2, { a: 'A', b: 'B' })
  return scene
}

// --- joining -------------------------------------------------------------------------------------

t.test('a rebalance waits for all members to join again', async (t) => {
  const scene = new Scene()
  t.same(scene.join('a'), ['a: a in 1 by range under a [a]'])
  t.equal(scene.state, 'CompletingRebalance')
  t.same(scene.sync('a', 1, { a: 'all' }), ['a?: all'])
  t.equal(scene.state, 'Stable')
  t.same(scene.join('b'), [], 'b waits for a')
  t.equal(scene.state, 'PreparingRebalance')
  t.equal(scene.heartbeat('a', 1), 'REBALANCE_IN_PROGRESS')
  t.equal(scene.commit('a', 1), 'NONE', 'records read before may still be committed')
  t.same(scene.rejoin('a'), ["a': a in 2 by range under a [a,b]", 'b: b in 2 by range under a []'])
  t.same(scene.sync('b', 2), [], 'the leader has not assigned yet')
  t.equal(scene.commit('b', 2), 'REBALANCE_IN_PROGRESS')
  t.equal(scene.heartbeat('b', 2), 'NONE')
  t.same(scene.sync('a', 2, { a: 'A', b: 'B' }), ['a?: A', 'b?: B'])
  t.same(scene.sync('b', 2), ['b?: B'], 'a repeated SyncGroup is answered')
  t.equal(scene.commit('b', 2), 'NONE')
})

t.test('a member without an assignment gets an empty one', async (t) => {
  const scene = stable()
  scene.join('c')
  scene.rejoin('a')
  scene.rejoin('b')
  scene.sync('c', 3)
  t.same(scene.sync('a', 3, { a: 'A' }), ['a?: A', 'c?: '])
})

t.test('a generation is stored with the members and their assignments', async (t) => {
  const { stored } = stable()
  t.equal(stored.length, 1, 'the one before was assigned nothing')
  t.match(stored[0], { generation: 2, protocolType: 'consumer', protocol: 'range', leader: 'a' })
  t.match(
    stored[0]?.members.map((one) => [one.memberId, one.assignment.toString()]),
    [
      ['a', 'A'],
      ['b', 'B'],
    ],
  )
})

t.test('a member that waits for its first generation here commits in none', async (t) => {
  const next = new Scene({}, stable().stored[0])
  next.join('c')
  t.equal(next.commit('c', 2), 'ILLEGAL_GENERATION', 'it may know a 2 that could not be stored')
  t.equal(next.commit('b', 2), 'NONE')
})

t.test('the next coordinator goes on with what is stored', async (t) => {
  const next = new Scene({}, stable().stored[0])
  t.equal(next.state, 'Stable')
  t.same(next.sync('b', 2), ['b?: B'], 'it may have missed the answer')
  t.equal(next.commit('b', 2), 'NONE')
  t.equal(next.heartbeat('b', 1), 'ILLEGAL_GENERATION')
  t.same(next.rejoin('a'), [], 'the leader asks for a rebalance')
  t.same(next.rejoin('b'), ["a': a in 3 by range under a [a,b]", "b': b in 3 by range under a []"])
})

t.test('a member that the next coordinator hears nothing of expires', async (t) => {
  const next = new Scene({}, stable().stored[0])
  next.advance(900)
  t.equal(next.heartbeat('a', 2), 'NONE')
  next.advance(200)
  t.same(next.memberIds, ['a'])
  t.equal(next.heartbeat('a', 2), 'REBALANCE_IN_PROGRESS')
})

t.test('a group without members is stored, too, and its generations go on', async (t) => {
  const scene = stable()
  scene.leave('a', 'b')
  t.match(scene.stored.at(-1), { generation: 3, members: [] })
  const next = new Scene({}, scene.stored.at(-1))
  t.equal(next.state, 'Empty')
  t.same(next.join('c'), ['c: c in 4 by range under c [c]'])
})

t.test('when a generation cannot be stored, the members join again', async (t) => {
  const scene = stable()
  t.same(scene.group.storeFailed(0), [])
  t.equal(scene.state, 'PreparingRebalance')
  t.equal(scene.heartbeat('b', 2), 'REBALANCE_IN_PROGRESS')
})

t.test('a description says whom the others wait for, and since when', async (t) => {
  const scene = stable()
  scene.advance(100)
  t.equal(scene.group.describe().waiting, undefined)
  scene.join('c')
  const awaited = () => {
    const { members, waiting } = scene.group.describe()
    return [waiting, members.flatMap((one) => (one.isAwaited ? one.memberId : []))]
  }
  t.match(awaited(), [{ sinceMs: 100, untilMs: 3100 }, ['a', 'b']])
  scene.advance(100)
  scene.rejoin('a')
  t.match(awaited(), [{ sinceMs: 100 }, ['b']])
  scene.rejoin('b')
  t.match(awaited(), [{ sinceMs: 200, untilMs: 3200 }, ['a']], 'then the leader assigns')
})

t.test('a member without an id is sent one, and joins again with it', async (t) => {
  const scene = new Scene()
  t.same(scene.join('a', { mustKnowId: true }), ['a: MEMBER_ID_REQUIRED'])
  t.equal(scene.state, 'Empty')
  t.notOk(scene.group.isIdle)
  t.same(scene.rejoin('a'), ["a': a in 1 by range under a [a]"])
  t.same(scene.join('b', { mustKnowId: true }), ['b: MEMBER_ID_REQUIRED'])
  t.equal(scene.heartbeat('b', 1), 'UNKNOWN_MEMBER_ID')
  scene.sync('a', 1)
  scene.join('c')
  t.same(scene.rejoin('a'), [], 'the rebalance waits for b, which has been assigned an id')
  t.same(scene.advance(999), [])
  t.equal(scene.rejoin('b').length, 3)
})

t.test('an unused id expires with the session time-out', async (t) => {
  const scene = new Scene()
  scene.join('a', { mustKnowId: true })
  t.equal(scene.group.deadlineMs, 1000)
  scene.advance(1000)
  t.ok(scene.group.isIdle)
  t.same(scene.rejoin('a'), ["a': UNKNOWN_MEMBER_ID"])
})

t.test('a formerly empty group waits for more members', async (t) => {
  const scene = new Scene({ initialDelayMs: 500 })
  t.same(scene.join('a'), [])
  t.same(scene.advance(400), [])
  t.same(scene.join('b'), [])
  t.same(scene.advance(500), [], 'another member joined: the group waits again')
  t.same(scene.advance(100), ['a: a in 1 by range under a [a,b]', 'b: b in 1 by range under a []'])
  t.equal(scene.nowMs, 1000)
})

t.test('the initial wait ends with the rebalance time-out', async (t) => {
  const scene = new Scene({ initialDelayMs: 500 })
  const patient = { rebalanceTimeoutMs: 800 }
  scene.join('a', patient)
  scene.advance(400)
  scene.join('b', patient)
  t.same(scene.advance(399), [])
  t.equal(scene.advance(1).length, 2)
})

const refusals: readonly {
  readonly name: string
  readonly join: Partial<JoinRequest>
  readonly error: string
}[] = [
  { name: 'too short a session', join: { sessionTimeoutMs: 99 }, error: 'INVALID_SESSION_TIMEOUT' },
  {
    name: 'too long a session',
    join: { sessionTimeoutMs: 10_001 },
    error: 'INVALID_SESSION_TIMEOUT',
  },
  { name: 'no protocol', join: { protocols: [] }, error: 'INCONSISTENT_GROUP_PROTOCOL' },
  { name: 'no type', join: { protocolType: '' }, error: 'INCONSISTENT_GROUP_PROTOCOL' },
  { name: 'another type', join: { protocolType: 'x' }, error: 'INCONSISTENT_GROUP_PROTOCOL' },
  {
    name: 'no common protocol',
    join: { protocols: [protocol('sticky')] },
    error: 'INCONSISTENT_GROUP_PROTOCOL',
  },
  { name: 'an unknown id', join: { memberId: 'x' }, error: 'UNKNOWN_MEMBER_ID' },
  {
    name: 'too many bytes',
    join: { protocols: [protocol('range', 'x'.repeat(2000))] },
    error: 'GROUP_MAX_SIZE_REACHED',
  },
  {
    name: 'an unknown instance',
    join: { memberId: 'a', instanceId: 'i' },
    error: 'UNKNOWN_MEMBER_ID',
  },
]

for (const { name, join, error } of refusals) {
  t.test(`refused: ${name}`, async (t) => {
    const scene = stable()
    t.same(scene.join('c', join), [`c: ${error}`])
    t.equal(scene.state, 'Stable', 'other members are not disturbed')
  })
}

t.test('the limit of members includes assigned ids that have not joined yet', async (t) => {
  const scene = stable()
  t.same(scene.join('c', { mustKnowId: true }), ['c: MEMBER_ID_REQUIRED'])
  t.same(scene.join('d', { mustKnowId: true }), ['d: MEMBER_ID_REQUIRED'])
  t.same(scene.join('e', { mustKnowId: true }), ['e: GROUP_MAX_SIZE_REACHED'])
  t.same(scene.join('f', { instanceId: 'f' }), ['f: GROUP_MAX_SIZE_REACHED'])
  t.same(scene.rejoin('c'), [], 'an assigned id keeps its place')
})

t.test('members vote for one of the protocols that all support', async (t) => {
  const scene = new Scene({ initialDelayMs: 100 })
  scene.join('a', { protocols: [protocol('x'), protocol('range'), protocol('sticky')] })
  scene.join('b', { protocols: [protocol('sticky'), protocol('range')] })
  scene.join('c', { protocols: [protocol('sticky'), protocol('range')] })
  t.match(scene.advance(500), [/a: a in 1 by sticky/])
})

t.test('joining again with the same metadata rebalances only for the leader', async (t) => {
  const scene = stable()
  t.same(scene.rejoin('b'), ["b': b in 2 by range under a []"])
  t.equal(scene.state, 'Stable')
  t.same(scene.rejoin('b', { protocols: [protocol('range', 'other topics')] }), [])
  t.equal(scene.state, 'PreparingRebalance')
  t.equal(scene.rejoin('a').length, 2)
  t.same(scene.rejoin('a'), ["a': a in 3 by range under a [a,b]"], 'it had no answer')
  scene.sync('b', 3)
  t.same(scene.sync('a', 3), ['a?: ', 'b?: '])
  t.same(scene.rejoin('a'), [])
  t.equal(scene.state, 'PreparingRebalance', 'the leader asks for a rebalance')
})

t.test('a waiting request is answered when its member repeats it', async (t) => {
  const scene = stable()
  t.same(scene.join('c'), [])
  t.same(scene.rejoin('c'), ['c: REBALANCE_IN_PROGRESS'])
  scene.rejoin('a')
  t.equal(scene.rejoin('b').length, 3)
  t.same(scene.sync('c', 3), [])
  t.same(scene.sync('c', 3), ['c?: REBALANCE_IN_PROGRESS'])
  t.same(scene.join('d'), ['c?: REBALANCE_IN_PROGRESS'], 'c has to join again')
})

// --- departures ----------------------------------------------------------------------------------

t.test('a silent member is removed after its session time-out', async (t) => {
  const scene = stable()
  scene.advance(600)
  t.equal(scene.heartbeat('a', 2), 'NONE')
  t.same(scene.advance(400), [])
  t.equal(scene.state, 'PreparingRebalance')
  t.same(scene.memberIds, ['a'])
  t.equal(scene.heartbeat('b', 2), 'UNKNOWN_MEMBER_ID')
  t.equal(scene.commit('b', 2), 'UNKNOWN_MEMBER_ID')
  t.same(scene.rejoin('a'), ["a': a in 3 by range under a [a]"])
})

t.test('the last member to go leaves an empty group', async (t) => {
  const scene = stable()
  t.same(scene.advance(1000), [])
  t.match(scene.stored.at(-1), { generation: 3, members: [] })
  t.equal(scene.state, 'Empty')
  t.ok(scene.group.isIdle)
  t.equal(scene.commit('', -1), 'NONE')
  t.equal(scene.commit('a', 2), 'UNKNOWN_MEMBER_ID')
})

t.test('a member that joins too late is removed; a waiting member does not expire', async (t) => {
  const scene = stable()
  scene.join('c', { sessionTimeoutMs: 200 })
  scene.rejoin('a')
  for (let i = 0; i < 5; i++) {
    scene.advance(500)
    t.equal(scene.heartbeat('b', 2), 'REBALANCE_IN_PROGRESS')
  }
  t.same(scene.advance(500), ["a': a in 3 by range under a [a,c]", 'c: c in 3 by range under a []'])
  t.equal(scene.nowMs, 3000)
  t.equal(scene.heartbeat('b', 2), 'UNKNOWN_MEMBER_ID')
})

t.test('a generation ends if its leader does not assign', async (t) => {
  const scene = new Scene()
  scene.join('a')
  scene.join('b')
  scene.rejoin('a')
  t.same(scene.sync('b', 2), [])
  for (let i = 0; i < 5; i++) {
    scene.advance(500)
    t.equal(scene.heartbeat('a', 2), 'NONE')
  }
  t.same(scene.advance(500), ['b?: REBALANCE_IN_PROGRESS'])
  t.same(scene.memberIds, ['b'])
  t.same(scene.rejoin('b'), ["b': b in 3 by range under b [b]"])
})

t.test('a member that joins a generation without sending SyncGroup is removed', async (t) => {
  const scene = new Scene()
  scene.join('a')
  scene.join('b')
  scene.rejoin('a')
  scene.sync('a', 2, { a: 'A', b: 'B' })
  for (let i = 0; i < 6; i++) {
    for (const id of ['a', 'b']) t.equal(scene.heartbeat(id, 2), 'NONE')
    scene.advance(500)
  }
  t.same(scene.memberIds, ['a'])
  t.equal(scene.state, 'PreparingRebalance')
})

t.test('a member that joins again much later does not owe a SyncGroup', async (t) => {
  const scene = stable()
  for (let i = 0; i < 10; i++) {
    scene.advance(900)
    for (const id of ['a', 'b']) t.equal(scene.heartbeat(id, 2), 'NONE')
  }
  scene.rejoin('b')
  scene.advance(500)
  t.equal(scene.heartbeat('b', 2), 'NONE')
  t.equal(scene.state, 'Stable')
})

t.test('a rebalance does not wait for members that leave', async (t) => {
  const scene = stable()
  t.same(scene.leave('x'), [['UNKNOWN_MEMBER_ID'], []])
  t.equal(scene.state, 'Stable')
  t.same(scene.leave('b'), [['NONE'], []])
  t.equal(scene.heartbeat('a', 2), 'REBALANCE_IN_PROGRESS')
  scene.join('c')
  t.same(scene.leave('a'), [['NONE'], ['c: c in 3 by range under c [c]']])
  scene.join('d')
  t.same(scene.leave('d'), [['NONE'], ['d: UNKNOWN_MEMBER_ID']], 'its waiting request is answered')
  scene.join('e', { mustKnowId: true })
  t.same(scene.leave('e'), [['NONE'], []], 'the assigned id is released')
})

// --- fencing -------------------------------------------------------------------------------------

t.test('a request from another generation is refused', async (t) => {
  const scene = stable()
  for (const generation of [-1, 1, 3]) {
    t.equal(scene.heartbeat('a', generation), 'ILLEGAL_GENERATION')
    t.equal(scene.commit('a', generation), 'ILLEGAL_GENERATION')
    t.same(scene.sync('a', generation), ['a?: ILLEGAL_GENERATION'])
  }
  t.equal(scene.commit('', -1), 'UNKNOWN_MEMBER_ID', 'the group has members')
})

t.test('static members', async (t) => {
  const scene = new Scene({ initialDelayMs: 100 })
  scene.join('a1', { instanceId: 'a' })
  scene.join('b1', { instanceId: 'b' })
  scene.advance(500)
  scene.sync('b1', 1, {}, 'b')
  scene.sync('a1', 1, { a1: 'A', b1: 'B' }, 'a')

  t.same(scene.join('b2', { instanceId: 'b' }), ['b2: b2 in 1 by range under a1 []'])
  t.same(scene.sync('b2', 1, {}, 'b'), ['b2?: B'], 'a static member returns without a rebalance')
  t.equal(scene.heartbeat('b1', 1, 'b'), 'FENCED_INSTANCE_ID')
  t.equal(scene.commit('b1', 1, 'b'), 'FENCED_INSTANCE_ID')
  t.same(scene.sync('b1', 1, {}, 'b'), ['b1?: FENCED_INSTANCE_ID'])

  t.same(scene.join('a2', { instanceId: 'a' }), ['a2: a2 in 1 by range under a1 []'])
  t.same(scene.sync('a2', 1, {}, 'a'), ['a2?: A'], 'an older client does not learn that it leads')
  const young = { instanceId: 'a', maySkipAssignment: true }
  t.same(scene.join('a3', young), ['a3: a3 in 1 by range under a3 [b2,a3] skips'])

  t.same(scene.join('b3', { instanceId: 'b', protocols: [protocol('range', 'new')] }), [])
  t.equal(scene.state, 'PreparingRebalance', 'its metadata has changed')
  t.same(scene.join('b4', { instanceId: 'b' }), ['b3: FENCED_INSTANCE_ID'])
  t.same(scene.leave({ memberId: '', instanceId: 'a' }), [
    ['NONE'],
    ['b4: b4 in 2 by range under b4 [b4]'],
  ])
  t.same(scene.leave({ memberId: 'b3', instanceId: 'b' })[0], ['FENCED_INSTANCE_ID'])
})

t.test(
  'a static member that does not join again in time stays until its session ends',
  async (t) => {
    const scene = new Scene({ initialDelayMs: 100 })
    const slow = { sessionTimeoutMs: 5000, rebalanceTimeoutMs: 1000 }
    scene.join('a1', { instanceId: 'a', ...slow })
    scene.join('b', slow)
    scene.advance(500)
    scene.sync('b', 1)
    scene.sync('a1', 1, {}, 'a')
    scene.join('c', slow)
    scene.rejoin('b', slow)
    t.equal(scene.advance(1000).length, 2)
    t.same(scene.memberIds, ['a1', 'b', 'c'])
    t.equal(scene.heartbeat('a1', 1, 'a'), 'ILLEGAL_GENERATION', 'it learns to join again')
  },
)

t.test('when the group ends, all waiting and all later requests are refused', async (t) => {
  const scene = stable()
  scene.join('c')
  t.same(
    scene.group.end('NOT_COORDINATOR').map((effect) => effect.type),
    ['joined'],
  )
  t.equal(scene.state, 'Dead')
  t.equal(scene.heartbeat('a', 2), 'NOT_COORDINATOR')
  t.equal(scene.commit('', -1), 'NOT_COORDINATOR')
  t.same(scene.join('d'), ['d: NOT_COORDINATOR'])
  t.same(scene.sync('a', 2), ['a?: NOT_COORDINATOR'])
  t.same(scene.leave('a'), [['NOT_COORDINATOR'], []])
  t.equal(scene.group.deadlineMs, Number.POSITIVE_INFINITY)
})

t.test(
  'the reason of the last rebalance is what began it, not who joined again for it',
  async (t) => {
    const scene = new Scene({ initialDelayMs: 0 })
    const last = () => scene.group.describe().lastRebalance
    t.equal(last(), undefined)
    scene.join('a')
    t.same(last(), { reason: 'member a joined', atMs: 0 })
    scene.sync('a', 1, { a: 'x' })
    scene.nowMs = 100
    scene.join('b')
    scene.rejoin('a')
    t.same(last(), { reason: 'member b joined', atMs: 100 })
    scene.sync('a', 2, { a: 'x', b: 'y' })
    scene.sync('b', 2)

    scene.rejoin('a')
    scene.rejoin('b')
    t.equal(last()?.reason, 'the leader, member a, asked for a new assignment')
    scene.sync('a', 3, { a: 'x', b: 'y' })
    scene.sync('b', 3)

    scene.rejoin('b', { protocols: [protocol('range', 'other')] })
    scene.rejoin('a')
    t.equal(last()?.reason, 'member b changed its topics or its assignors')
    scene.sync('a', 4, { a: 'x', b: 'y' })
    scene.sync('b', 4)

    scene.leave('b')
    t.equal(last()?.reason, 'member b left')
    scene.rejoin('a')
    scene.sync('a', 5, { a: 'x' })
    t.equal(last()?.reason, 'member b left')
    scene.advance(1001)
    t.equal(last()?.reason, 'member a was silent for its session timeout')
  },
)

t.test(
  'members that are lost at once, or do not ask for their assignments, are the reason',
  async (t) => {
    const scene = new Scene({ initialDelayMs: 10 })
    for (const name of ['a', 'b', 'c'])
      scene.join(name, { instanceId: name === 'b' ? 'two' : null })
    scene.advance(30)
    scene.sync('a', 1, { a: 'x' })
    scene.sync('b', 1, {}, 'two')
    scene.sync('c', 1)
    scene.leave({ memberId: 'b', instanceId: 'two' }, 'c')
    t.equal(scene.group.describe().lastRebalance?.reason, 'static member two and 1 other left')

    const late = new Scene()
    late.join('a', { rebalanceTimeoutMs: 500 })
    late.advance(501)
    t.equal(
      late.group.describe().lastRebalance?.reason,
      'member a did not ask for its assignment in time',
    )
  },
)
