import t from 'tap'
import { noBroker } from '../../../src/protocol/mq/messages.ts'
import { MemoryDirectory } from '../../log/memory-directory.ts'
import { settled } from '../../virtual-clock.ts'
import { answer, batch, following, follows, leads, open, ours } from './replica-world.ts'

t.test('the log of a partition without a leader is reported once it is durable', async (t) => {
  const { replica } = await following([3, 4])
  t.equal(replica.status, undefined, 'there is a leader')
  replica.appendFetched(answer(replica, batch(1, { offset: 2 })))
  replica.become({ ...follows, leader: noBroker, version: 10 }, ours)
  t.ok(replica.isToReport)
  t.equal(replica.status, undefined)
  await settled()
  t.same(replica.status, {
    type: 'whole',
    life: ours,
    stateVersion: 10,
    lastEpoch: 5,
    end: 3,
    highWatermark: 0,
  })
  replica.resign()
  t.equal(replica.status, undefined, 'there is no report without a life')
})

t.test('without fdatasync nothing counts as on the disk', async (t) => {
  const { replica, produce } = open(new MemoryDirectory(), { flush: 'os' })
  replica.become(leads, ours)
  const one = produce(1)
  await settled()
  t.equal(one.result, 0)
  t.match(replica.checkpoint, { durableEnd: 0, lastEpoch: 5 })
})
