import t from 'tap'
import {
  decodeController,
  decodeNumber,
  decodeProducerIdBlock,
  decodeState,
  decodeTopic,
  encodeController,
  encodeProducerIdBlock,
  encodeState,
  encodeTopic,
  meaningOf,
  zkPaths,
} from '../../../src/broker/cluster/zk-paths.ts'
import type { PartitionState } from '../../../src/broker/partition/partition-state.ts'
import { type BrokerId, noBroker } from '../../../src/protocol/mq/messages.ts'
import { ids, member, members } from '../partition/members.ts'

const bytes = (text: string) => Buffer.from(text)

const state: PartitionState = {
  leader: 2 as BrokerId,
  leaderEpoch: 4,
  controllerEpoch: 1,
  isr: members(1, 2, 3),
  eligible: [],
  committed: 0,
  uncleanEpoch: -1,
  version: 9,
}

t.test('a state is read as written, with the version of its znode', async (t) => {
  const states: PartitionState[] = [
    state,
    { ...state, isr: [member(1), member(2), member(3, { isAwaited: true })], eligible: members(4) },
    { ...state, leader: noBroker, isr: [], committed: 2 ** 40, uncleanEpoch: 3 },
  ]
  for (const each of states) t.same(decodeState(bytes(encodeState(each)), 9), each)
})

const text = encodeState(state)
const unreadable = [
  {
    name: 'both lists of the ISR change, or neither',
    from: '"isr":[1,2,3]',
    to: '"isr":[1,2]',
  },
  { name: 'a leader is in sync', from: '"leader":2', to: '"leader":9' },
  { name: 'a leader is not awaited', from: '"broker":2,', to: '"broker":2,"awaited":true,' },
  { name: 'an epoch is a number', from: '"leader_epoch":4', to: '"leader_epoch":"4"' },
  { name: 'an epoch is not negative', from: '"leader_epoch":4', to: '"leader_epoch":-4' },
  { name: 'a member has a directory', from: '"directory":"d3"', to: '"directory":3' },
  { name: 'a member is named once', from: '"broker":3', to: '"broker":2' },
  { name: 'the eligible replicas are a list', from: '"eligible":[]', to: '"eligible":{}' },
]
for (const { name, from, to } of unreadable) {
  t.test(`a state that was changed by hand is not read: ${name}`, async (t) => {
    const changed = text.replace(from, to)
    t.not(changed, text)
    t.equal(decodeState(bytes(changed), 0), undefined)
  })
}

t.test('a topic is read as written', async (t) => {
  const topic = { topicId: 'abc_-1', replicas: [ids(1, 2), ids(2, 3)] }
  t.strictSame(decodeTopic(bytes(encodeTopic(topic))), topic)
})

t.test('a topic has each partition, in order, with each broker once', async (t) => {
  const topics = [
    '{"1":[1]}',
    '{"0":[1],"2":[1]}',
    '{"0":[]}',
    '{"0":[1,1]}',
    '{"0":["1"]}',
    '{"0":[-1]}',
    '{}',
    'null',
  ]
  for (const partitions of topics) {
    t.equal(
      decodeTopic(bytes(`{"topic_id":"x","partitions":${partitions}}`)),
      undefined,
      partitions,
    )
  }
  const outside = '{"topic_id":"../x","partitions":{"0":[1]}}'
  t.equal(decodeTopic(bytes(outside)), undefined, 'the id names a directory')
})

t.test('the controller and a block of producer ids are read as written', async (t) => {
  t.equal(decodeController(bytes(encodeController(3 as BrokerId, 1))), 3)
  const block = { broker: 3 as BrokerId, first: 1000, last: 1999 }
  t.strictSame(decodeProducerIdBlock(bytes(encodeProducerIdBlock(block))), block)
})

t.test('a number is decimal digits that a double holds', async (t) => {
  t.equal(decodeNumber(bytes('0')), 0)
  t.equal(decodeNumber(bytes('9007199254740991')), 2 ** 53 - 1)
  for (const text of ['', '-1', '1.5', '0x1', ' 1', '1e3', '9007199254740992']) {
    t.equal(decodeNumber(bytes(text)), undefined, text)
  }
  t.equal(decodeNumber(null), undefined)
})

for (const text of ['', 'null', '[]', '7', '{}', '{"a"']) {
  t.test(`what any client may have written, like '${text}', is left alone`, async (t) => {
    t.equal(decodeState(bytes(text), 0), undefined)
    t.equal(decodeTopic(bytes(text)), undefined)
    t.equal(decodeProducerIdBlock(bytes(text)), undefined)
    t.equal(decodeController(bytes(text)), noBroker)
  })
}

const meanings = [
  { path: zkPaths.state('goals', 12), want: { type: 'state', topic: 'goals', partition: 12 } },
  { path: zkPaths.topic('goals'), want: { type: 'topic', topic: 'goals' } },
  { path: zkPaths.brokerId(3 as BrokerId), want: { type: 'broker', id: 3 } },
  { path: zkPaths.controller, want: { type: 'controller' } },
  { path: `${zkPaths.reports}/x-0-1`, want: { type: 'report', name: 'x-0-1' } },
  { path: zkPaths.partitions('goals'), want: undefined },
  { path: zkPaths.partition('goals', 1), want: undefined },
  { path: zkPaths.topics, want: undefined },
  { path: '/brokers/ids/x', want: undefined },
]
for (const { path, want } of meanings) {
  t.test(`meaningOf ${path}`, async (t) => {
    t.strictSame(meaningOf(path), want)
  })
}
