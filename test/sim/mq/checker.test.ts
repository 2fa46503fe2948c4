// One history for each way to break a promise: each is refused at its last step, by the rule that
// it breaks.

import t from 'tap'
import { encodeAssignment } from '../../../src/protocol/kafka/consumer-protocol.ts'
import { MqChecker, type MqEvent } from './checker.ts'

type Of<T extends MqEvent['type']> = Partial<Extract<MqEvent, { type: T }>>

const sent = (value: string, more: Of<'sent'> = {}): MqEvent => ({
  ...{ type: 'sent', producer: 'p1', partition: 0, value },
  ...more,
})
const committed = (value: string, offset: number, more: Of<'committed'> = {}): MqEvent => ({
  ...{ type: 'committed', life: 'b1.1', partition: 0, offset, value, epoch: 0 },
  ...more,
})
const stored = (value: string, offset: number, disks = 2): MqEvent => ({
  type: 'stored',
  value,
  offset,
  disks,
})
const shown = (value: string, offset: number, more: Of<'shown'> = {}): MqEvent => ({
  ...{ type: 'shown', consumer: 'c1', partition: 0, offset, value, disks: 2 },
  ...more,
})
const highWatermark = (offset: number, life = 'b1.1'): MqEvent => ({
  type: 'highWatermark',
  life,
  partition: 0,
  offset,
})
const leads = (life: string, epoch: number, more: Of<'leads'> = {}): MqEvent => ({
  ...{ type: 'leads', life, partition: 0, epoch, brokerEpoch: 1, logStart: 0, logEnd: 0 },
  ...more,
})
const state = (more: Of<'state'>): MqEvent => ({
  ...{ type: 'state', partition: 0, leader: 1, leaderBrokerEpoch: 1 },
  ...{ leaderEpoch: 1, controllerEpoch: 1, inForce: 1 },
  ...more,
})
const groupOffset = (at: number, offset: number): MqEvent => {
  const value = {
    offset,
    leaderEpoch: -1,
    metadata: '',
    commitTimestampMs: 1,
    expireTimestampMs: -1,
  }
  const place = { topic: 'goals', partition: 0 }
  const record = { type: 'offset', group: 'g', place, value } as const
  return { type: 'groupRecord', at, record, timestampMs: 1 }
}

const memberOffset = (at: number, offset: number, metadata: string): MqEvent => {
  const rest = { leaderEpoch: -1, commitTimestampMs: 1, expireTimestampMs: -1 }
  const place = { topic: 'goals', partition: 0 }
  const value = { offset, metadata, ...rest }
  const record = { type: 'offset', group: 'g', place, value } as const
  return { type: 'groupRecord', at, record, timestampMs: 1 }
}

const tombstone = (at: number, timestampMs: number): MqEvent => {
  const place = { topic: 'goals', partition: 0 }
  const record = { type: 'offset', group: 'g', place, value: null } as const
  return { type: 'groupRecord', at, record, timestampMs }
}

const generation = (
  at: number,
  number: number,
  owned: Readonly<Record<string, readonly number[]>>,
): MqEvent => {
  const members = Object.entries(owned).map(([memberId, partitions]) => ({
    memberId,
    instanceId: null,
    clientId: 'c',
    clientHost: 'h',
    rebalanceTimeoutMs: 1,
    sessionTimeoutMs: 1,
    metadata: Buffer.alloc(0),
    assignment: encodeAssignment({ partitions: [{ topic: 'goals', partitions }], userData: null }),
  }))
  const names = { protocolType: 'consumer', protocol: 'range', leader: null }
  const value = { ...names, generation: number, stateTimestampMs: 1, members }
  const record = { type: 'group', group: 'g', value } as const
  return { type: 'groupRecord', at, record, timestampMs: 1 }
}

const chosen = (common: number, losesAtMost?: number): MqEvent => ({
  type: 'chosen',
  partition: 0,
  common,
  losesAtMost,
})

const deleting = (offset: number): MqEvent => ({ type: 'deleting', partition: 0, offset })
const deleted = (offset: number): MqEvent => ({ type: 'deleted', partition: 0, offset })
const logStart = (offset: number, life = 'b1.1'): MqEvent => ({
  type: 'logStart',
  life,
  partition: 0,
  offset,
})
const reset = (from: number, to: number): MqEvent => ({
  type: 'reset',
  consumer: 'c1',
  partition: 0,
  from,
  to,
})

const two = [sent('a'), sent('b'), committed('a', 0), committed('b', 1)]

const broken: readonly {
  readonly name: string
  readonly history: readonly MqEvent[]
  /** the checker's message */
  readonly rule: RegExp
  /** found at the end of the life */
  readonly atEnd?: boolean
}[] = [
  {
    name: 'a generation after a later one',
    history: [generation(0, 2, { m: [0] }), generation(1, 1, { m: [0] })],
    rule: /a generation never goes back/,
  },
  {
    name: 'an acknowledged record that never gets into the log',
    history: [sent('a'), stored('a', 0)],
    rule: /an acknowledged record is in the log/,
    atEnd: true,
  },
  {
    name: 'an acknowledged record in the place of which another lies',
    history: [...two, stored('a', 1)],
    rule: /what is acknowledged is what lies there/,
  },
  {
    name: 'another record in the place of one that was acknowledged',
    history: [sent('a'), sent('b'), stored('a', 0), committed('b', 0)],
    rule: /an acknowledged record is in the log/,
    atEnd: true,
  },
  {
    name: 'an acknowledgement before enough disks have the record',
    history: [...two, stored('a', 0, 1)],
    rule: /an acknowledged record: .* is on 2 disks, not 1/,
  },
  {
    name: 'an acknowledgement of a record that was never sent',
    history: [stored('a', 0)],
    rule: /what is acknowledged was sent/,
  },
  {
    name: 'acknowledged records that changed places',
    history: [
      sent('a'),
      sent('b'),
      committed('b', 0),
      committed('a', 1),
      stored('a', 1),
      stored('b', 0),
    ],
    rule: /acknowledged records are in their producer's order/,
    atEnd: true,
  },
  {
    name: 'a log start that goes back',
    history: [...two, deleting(2), logStart(2), logStart(1, 'b1.2')],
    rule: /a log start never goes back/,
  },
  {
    name: 'a log start that was not asked for',
    history: [...two, deleting(1), logStart(2)],
    rule: /nothing is removed that need not be/,
  },
  {
    name: 'the removal of what is not committed',
    history: [...two, deleting(3), logStart(3)],
    rule: /only what is committed is removed/,
  },
  {
    name: 'a leader with records that were deleted',
    history: [...two, deleting(2), deleted(2), leads('b2.1', 2, { logEnd: 2, logStart: 1 })],
    rule: /what was deleted stays deleted/,
  },
  {
    name: 'a consumer that skips more than was removed',
    history: [...two, deleting(1), logStart(1), reset(0, 2)],
    rule: /a consumer skips only what was removed/,
  },
  {
    name: 'a consumer that misses a record of a log that is not compacted',
    history: [
      sent('p-1'),
      sent('p-6'),
      committed('p-1', 0),
      committed('p-6', 1),
      shown('p-1', 0),
      sent('p-11'),
      committed('p-11', 2),
      shown('p-11', 2),
    ],
    rule: /a consumer gets each record once, in order/,
  },
  {
    name: 'a record twice',
    history: [sent('a'), committed('a', 0), committed('a', 1)],
    rule: /a record is in the log once/,
  },
  {
    name: 'a record that was never sent',
    history: [committed('a', 0)],
    rule: /what is in the log was sent/,
  },
  {
    name: 'a record in another partition',
    history: [sent('a', { partition: 1 }), committed('a', 0)],
    rule: /a record is in its own partition/,
  },
  {
    name: 'a gap',
    history: [sent('a'), committed('a', 1)],
    rule: /a log has no gaps/,
  },
  {
    name: 'replicas that differ',
    history: [...two, sent('c'), committed('c', 1, { life: 'b2.1' })],
    rule: /replicas are equal below the high watermark/,
  },
  {
    name: 'replicas that differ in the epoch alone',
    history: [...two, committed('b', 1, { life: 'b2.1', epoch: 1 })],
    rule: /replicas are equal below the high watermark/,
  },
  {
    name: 'an epoch that goes down within a log',
    history: [
      sent('a'),
      sent('b'),
      committed('a', 0, { epoch: 2 }),
      committed('b', 1, { epoch: 1 }),
    ],
    rule: /epochs in a log never go down/,
  },
  {
    name: 'a record that is shown before it is committed',
    history: [...two, sent('c'), shown('c', 2)],
    rule: /what is shown is committed/,
  },
  {
    name: 'a record that is shown where another was',
    history: [...two, shown('b', 0)],
    rule: /what is shown is committed, and stays/,
  },
  {
    name: 'a record that is shown before enough disks have it',
    history: [...two, shown('a', 0, { disks: 1 })],
    rule: /a record that is shown: .* is on 2 disks, not 1/,
  },
  {
    name: 'a record that a consumer does not get',
    history: [...two, sent('c'), committed('c', 2), shown('a', 0), shown('c', 2)],
    rule: /a consumer gets each record once, in order/,
  },
  {
    name: 'a record that a consumer gets twice',
    history: [...two, shown('a', 0), shown('a', 0)],
    rule: /a consumer gets each record once, in order/,
  },
  {
    name: 'a high watermark that goes back',
    history: [highWatermark(5), highWatermark(4)],
    rule: /a high watermark never goes back/,
  },
  {
    name: 'two leaders of one epoch',
    history: [leads('b1.1', 1), leads('b2.1', 1)],
    rule: /an epoch has one leader/,
  },
  {
    name: 'a leader that continues in its next life',
    history: [leads('b1.1', 1), leads('b1.2', 1)],
    rule: /an epoch has one leader/,
  },
  {
    name: 'a leader without a session',
    history: [leads('b1.1', 1, { brokerEpoch: undefined })],
    rule: /a broker without a session leads nothing/,
  },
  {
    name: 'a leader that lacks what is committed',
    history: [...two, leads('b1.1', 1, { logEnd: 1 })],
    rule: /a leader has all that is committed/,
  },
  {
    name: 'a leader epoch that goes back',
    history: [state({ leaderEpoch: 2 }), state({ leaderEpoch: 1 })],
    rule: /leader epochs never go back/,
  },
  {
    name: 'another leader in the same epoch',
    history: [state({ leader: 1 }), state({ leader: 2 })],
    rule: /another leader has another epoch/,
  },
  {
    name: 'a leader that was restarted, in the same epoch',
    history: [state({ leaderBrokerEpoch: 1 }), state({ leaderBrokerEpoch: 2 })],
    rule: /another leader has another epoch/,
  },
  {
    name: 'a controller epoch that goes back',
    history: [state({ controllerEpoch: 2, inForce: 2 }), state({ inForce: 2 })],
    rule: /a deposed controller writes nothing/,
  },
  {
    name: 'an election by a deposed controller',
    history: [state({}), state({ leader: 2, leaderEpoch: 2, inForce: 2 })],
    rule: /a deposed controller writes nothing/,
  },
  {
    name: 'a committed offset that goes back',
    history: [groupOffset(0, 7), groupOffset(1, 6)],
    rule: /a committed offset never goes back/,
  },
  {
    name: 'a commit of an older generation',
    history: [generation(0, 2, { m: [0] }), memberOffset(1, 7, '1 m')],
    rule: /a commit of an older generation changes nothing/,
  },
  {
    name: 'a partition with two owners in one generation',
    history: [generation(0, 2, { m: [0, 1], n: [1] })],
    rule: /a partition has one owner in a generation/,
  },
  {
    name: 'a commit that another replica has otherwise',
    history: [groupOffset(0, 7), groupOffset(0, 8)],
    rule: /replicas agree on what groups committed/,
  },
  {
    name: 'a choice that loses more than the operator was told',
    history: [...two, chosen(0, 1)],
    rule: /an operator is told what a choice loses: 2 of 0, not 1 at most/,
  },
  {
    name: 'a record that a choice did not lose, and that is gone',
    history: [...two, stored('a', 0), chosen(1, 1), leads('b1.1', 1, { logEnd: 0 })],
    rule: /a leader has all that is committed/,
  },
  {
    name: 'an election by a deposed controller, after an operator’s choice',
    history: [
      state({}),
      chosen(0, 0),
      state({ leader: 2, leaderEpoch: 2, inForce: 2 }),
      state({ leader: 3, leaderEpoch: 3, inForce: 2 }),
    ],
    rule: /a deposed controller writes nothing/,
  },
  {
    name: 'a batch sent again that is stored again',
    history: [...two, { type: 'repeated', value: 'a', offset: 2 }],
    rule: /a batch sent again is recognised/,
  },
]

const sound: readonly { readonly name: string; readonly history: readonly MqEvent[] }[] = [
  {
    name: 'records that are acknowledged, shown and replicated',
    history: [
      ...two,
      committed('a', 0, { life: 'b2.1' }),
      stored('a', 0),
      stored('b', 1),
      shown('a', 0),
      shown('b', 1),
    ],
  },
  { name: 'a record whose outcome is unknown, in the log or not', history: [...two, sent('c')] },
  {
    name: 'records without an acknowledgement out of order',
    history: [sent('a'), sent('b'), committed('b', 0), committed('a', 1), stored('b', 0)],
  },
  {
    name: 'a replica that is behind after a restart',
    history: [highWatermark(5, 'b1.1'), highWatermark(0, 'b1.2')],
  },
  {
    name: 'a replica that was taken away, and begins anew where its broker gets another one',
    history: [
      ...[...two, deleting(1), logStart(1), highWatermark(2)],
      { type: 'leftover', broker: 'b1', partition: 0 },
      ...[logStart(0), highWatermark(1)],
    ],
  },
  {
    name: 'leaders that follow each other',
    history: [...two, leads('b1.1', 1, { logEnd: 2 }), leads('b2.1', 2, { logEnd: 2 })],
  },
  {
    name: 'records that an operator gives up, replicas that still show them, and others in their place',
    history: [
      ...[...two, stored('a', 0), stored('b', 1), highWatermark(2), sent('c')],
      chosen(1, 1),
      highWatermark(1),
      committed('b', 1, { life: 'b2.2' }),
      committed('c', 1, { epoch: 2 }),
      stored('c', 1),
    ],
  },
  {
    name: 'a record that an operator gives up, and its producer stores in the same place again',
    history: [
      ...[...two, chosen(0), committed('a', 0, { life: 'b2.2' })],
      ...[committed('a', 0, { epoch: 2 }), committed('b', 1, { epoch: 2 })],
    ],
  },
  {
    name: 'records that are deleted, a consumer that was behind them, and another disk',
    history: [
      ...[...two, stored('a', 0), deleting(1), logStart(1), deleted(1)],
      ...[reset(0, 1), shown('b', 1), { type: 'diskLost', broker: 'b1' } as const],
      ...[logStart(0, 'b1.2'), leads('b2.1', 2, { logEnd: 2, logStart: 1 })],
    ],
  },
  {
    name: 'a group that rebalances',
    history: [generation(0, 1, { m: [0] }), generation(1, 2, { m: [0], n: [1] })],
  },
  {
    name: 'a leader that resigns, and the next one',
    history: [state({}), state({ leader: -1 }), state({ leader: 2, leaderEpoch: 2 })],
  },
  {
    name: 'an ISR that a leader writes while another controller begins',
    history: [state({}), state({ inForce: 2 })],
  },
]

for (const { name, history, rule, atEnd = false } of broken) {
  t.test(`the judge refuses ${name}`, async (t) => {
    const checker = new MqChecker({ minInsyncReplicas: 2 })
    const last = atEnd ? history.length : history.length - 1
    for (const event of history.slice(0, last)) checker.step(event)
    t.throws(
      () => {
        for (const event of history.slice(last)) checker.step(event)
        if (atEnd) checker.end()
      },
      { name: 'InvariantError', message: rule },
    )
  })
}

for (const { name, history } of sound) {
  t.test(`the judge takes ${name}`, async (t) => {
    const checker = new MqChecker({ minInsyncReplicas: 2 })
    t.doesNotThrow(() => {
      for (const event of history) checker.step(event)
      checker.end()
    })
  })
}

t.test(
  'what members are told and acknowledged is checked against the records at the end',
  async (t) => {
    const told = { type: 'assigned', group: 'g', memberId: 'm', generation: 2 } as const
    const place = { group: 'g', topic: 'goals', partition: 0 } as const
    const stored = { type: 'offsetStored', ...place, offset: 7, at: 1 } as const
    const records = [generation(0, 2, { m: [0] }), memberOffset(1, 7, '2 m')]
    const endOf = (...events: readonly MqEvent[]) => {
      const checker = new MqChecker({ minInsyncReplicas: 1 })
      for (const event of [...records, ...events]) checker.step(event)
      checker.end()
    }
    t.doesNotThrow(() => endOf({ ...told, partitions: [0] }, stored))
    const other = { ...told, partitions: [1] }
    t.throws(() => endOf(other), { message: /an assignment is stored before it is told/ })
    const expired = { type: 'group', group: 'g', value: null } as const
    const again: readonly MqEvent[] = [
      { type: 'groupRecord', at: 2, record: expired, timestampMs: 1 },
      generation(3, 2, { n: [0, 1] }),
    ]
    t.doesNotThrow(() => endOf({ ...told, partitions: [0] }, ...again))
    const sameMember = [again[0] as MqEvent, generation(3, 2, { m: [1] })]
    t.doesNotThrow(() => endOf({ ...told, partitions: [0] }, ...sameMember, other))
    t.throws(() => endOf({ ...stored, at: 2 }), { message: /an acknowledged commit is never lost/ })
    t.throws(() => endOf({ ...stored, offset: 8 }), {
      message: /an acknowledged commit is never lost/,
    })
  },
)

t.test(
  'committed offsets expire only when they are due, and not while they are used',
  async (t) => {
    const judge = (...events: readonly MqEvent[]) => {
      const checker = new MqChecker({ minInsyncReplicas: 1, offsetsRetentionMs: 100 })
      for (const event of events) checker.step(event)
    }
    t.doesNotThrow(() => judge(groupOffset(0, 7), tombstone(1, 101), groupOffset(2, 3)))
    t.throws(() => judge(groupOffset(0, 7), tombstone(1, 100)), { message: /only when it is due/ })
    const ofMember = [generation(0, 1, { m: [0] }), memberOffset(1, 7, '1 m')]
    t.throws(() => judge(...ofMember, tombstone(2, 500)), { message: /in use never expires/ })
    t.doesNotThrow(() => judge(...ofMember, generation(2, 2, {}), tombstone(3, 500)))
  },
)

t.test('a fetched offset is at least what was acknowledged', async (t) => {
  const checker = new MqChecker({ minInsyncReplicas: 1 })
  const place = { group: 'g', topic: 'goals', partition: 0 } as const
  checker.step({ type: 'offsetStored', ...place, offset: 7, at: 1 })
  t.equal(checker.acknowledgedOffset('g', place), 7)
  const fetched = { type: 'offsetFetched', ...place, least: 7 } as const
  t.doesNotThrow(() => checker.step({ ...fetched, offset: 7 }))
  t.throws(() => checker.step({ ...fetched, offset: 6 }), { message: /at least what was/ })
})
