import t from 'tap'
import { Hold } from '../../../src/daemon/ensemble/hold.ts'
import type { LearnerMessage } from '../../../src/protocol/peer/messages.ts'
import type { ServerId, SessionId } from '../../../src/protocol/records.ts'
import { makeZxid } from '../../../src/protocol/zxid.ts'

const [one, two] = [1 as ServerId, 2 as ServerId]
const session = 0x100000001 as SessionId

const setData = (seq: number, data: Uint8Array): LearnerMessage => ({
  type: 'REQUEST',
  seq,
  session,
  identities: [{ scheme: 'ip', id: '127.0.0.1' }],
  request: { type: 'setData', path: '/a', data, version: 3 },
})

function holding(): Hold {
  const hold = new Hold(10)
  hold.proposed(makeZxid({ epoch: 1, counter: 10 }))
  return hold
}

t.test('a hold begins at the counter at which an epoch is handed over', async (t) => {
  const hold = new Hold(10)
  hold.proposed(makeZxid({ epoch: 7, counter: 9 }))
  t.notOk(hold.isHolding)
  t.notOk(hold.maybeHold(one, { type: 'SYNC', seq: 1 }, false))
  hold.proposed(makeZxid({ epoch: 7, counter: 10 }))
  t.ok(hold.isHolding)
})

t.test('requests of learners wait in order, except TOUCH', async (t) => {
  const hold = holding()
  t.ok(hold.maybeHold(two, { type: 'SYNC', seq: 1 }, false))
  t.notOk(hold.maybeHold(one, { type: 'TOUCH', sessions: [session] }, false))
  t.ok(hold.maybeHold(one, { type: 'SYNC', seq: 2 }, false))
  t.same(hold.end(), [
    { from: two, message: { type: 'SYNC', seq: 1 } },
    { from: one, message: { type: 'SYNC', seq: 2 } },
  ])
  t.notOk(hold.isHolding)
  t.same(hold.end(), [])
})

t.test('a held message is a copy: the socket reuses the bytes that it arrived in', async (t) => {
  const hold = holding()
  const socket = Buffer.alloc(64 * 1024, 'x')
  const view = socket.subarray(100, 105)
  const messages: LearnerMessage[] = [
    setData(1, view),
    { type: 'ATTACH', seq: 2, session, password: view, timeoutMs: 4000 },
    {
      type: 'REQUEST',
      seq: 3,
      session,
      identities: [],
      request: { type: 'multi', ops: [{ type: 'setData', path: '/b', data: view, version: -1 }] },
    },
  ]
  for (const message of messages) hold.maybeHold(one, message, false)
  const before = structuredClone(messages)
  socket.fill('y')
  t.same(
    hold.end().map(({ message }) => message),
    before,
  )
})

t.test('a copy holds the message, not the whole buffer around it', async (t) => {
  const hold = holding()
  hold.maybeHold(one, setData(1, Buffer.alloc(1024 * 1024).subarray(0, 5)), false)
  const [held] = hold.end()
  const data =
    held?.message.type === 'REQUEST' && held.message.request.type === 'setData'
      ? held.message.request.data
      : null
  t.ok(data !== null && data.buffer.byteLength < 64 * 1024)
})

t.test('the next epoch begins when nothing is in flight, and only in a hold', async (t) => {
  t.notOk(new Hold(10).mayHandOver(0))
  const hold = holding()
  t.notOk(hold.mayHandOver(1))
  t.ok(hold.mayHandOver(0))
  hold.end()
  t.notOk(hold.mayHandOver(0))
})

t.test('in a transfer the requests of own clients wait, then those of all', async (t) => {
  const hold = new Hold(10)
  hold.beginTransfer()
  t.ok(hold.isHolding)
  t.notOk(hold.maybeHold(two, { type: 'SYNC', seq: 1 }, false), 'it was sent before HELD')
  t.ok(hold.maybeHold(one, { type: 'SYNC', seq: 2 }, true))
  hold.holdAll()
  t.ok(hold.maybeHold(two, { type: 'SYNC', seq: 3 }, false))
  t.notOk(hold.mayHandOver(0), 'the same leader begins no epoch')
  t.same(hold.resume(), [
    { from: one, message: { type: 'SYNC', seq: 2 } },
    { from: two, message: { type: 'SYNC', seq: 3 } },
  ])
  t.notOk(hold.isHolding)
})

t.test(
  'a counter that nears its end in a transfer holds up no learner, until that is over',
  async (t) => {
    const hold = new Hold(10)
    hold.beginTransfer()
    hold.proposed(makeZxid({ epoch: 1, counter: 10 }))
    t.notOk(hold.maybeHold(two, { type: 'SYNC', seq: 1 }, false), 'it was sent before HELD')
    t.ok(hold.maybeHold(one, { type: 'SYNC', seq: 2 }, true))
    t.same(hold.resume(), [], 'the next epoch begins first')
    t.ok(hold.mayHandOver(0))
    t.same(hold.end(), [{ from: one, message: { type: 'SYNC', seq: 2 } }])
  },
)

t.test('all is held only in a transfer', async (t) => {
  const hold = new Hold(10)
  hold.holdAll()
  t.notOk(hold.isHolding)
})
