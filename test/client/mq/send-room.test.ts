import t from 'tap'
import { SendRoom } from '../../../src/client/mq/send-room.ts'
import { BrokerError } from '../../../src/protocol/mq/error-codes.ts'

const unexpected = (error: BrokerError) => {
  throw error
}

t.test('callers enter in the order of their calls, as room is released', async (t) => {
  const room = new SendRoom(100)
  const entered: string[] = []
  t.ok(room.maybeTake(60))
  t.notOk(room.maybeTake(50))
  room.wait(50, () => entered.push('large'), unexpected)
  t.notOk(room.maybeTake(10), 'what would fit does not overtake')
  room.wait(10, () => entered.push('small'), unexpected)
  t.ok(room.isFull)
  t.same(entered, [])
  room.release(60)
  t.same(entered, ['large', 'small'])
  t.equal(room.usedBytes, 60)
})

t.test('a record larger than the room enters when it is alone', async (t) => {
  const room = new SendRoom(100)
  t.ok(room.maybeTake(500))
  let hasEntered = false
  room.wait(
    400,
    () => {
      hasEntered = true
    },
    unexpected,
  )
  room.release(499)
  t.notOk(hasEntered)
  room.release(1)
  t.ok(hasEntered)
})

t.test('once as much waits as fits, the next caller is refused', async (t) => {
  const room = new SendRoom(100)
  t.ok(room.maybeTake(100))
  const leave = room.wait(100, () => undefined, unexpected)
  const refusal = { code: 'THROTTLING_QUOTA_EXCEEDED' }
  t.throws(() => room.wait(1, () => undefined, unexpected), refusal)
  leave()
  room.wait(1, () => undefined, unexpected)
})

t.test('a caller that leaves lets those behind it enter', async (t) => {
  const room = new SendRoom(100)
  const entered: string[] = []
  t.ok(room.maybeTake(60))
  const leave = room.wait(50, () => entered.push('gone'), unexpected)
  room.wait(40, () => entered.push('behind'), unexpected)
  leave()
  leave()
  t.same(entered, ['behind'])
  t.equal(room.usedBytes, 100)
})

t.test('when the producer ends, every caller that waits is refused', async (t) => {
  const room = new SendRoom(100)
  const refused: string[] = []
  t.ok(room.maybeTake(100))
  for (const name of ['a', 'b']) {
    room.wait(
      10,
      () => t.fail(),
      (error) => refused.push(`${name} ${error.code}`),
    )
  }
  room.refuseAll(new BrokerError('NETWORK_EXCEPTION', 'over'))
  room.release(100)
  t.same(refused, ['a NETWORK_EXCEPTION', 'b NETWORK_EXCEPTION'])
})
