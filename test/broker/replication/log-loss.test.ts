import t from 'tap'
import { hasCutTail, markIncomplete } from '../../../src/broker/partition/partition-directory.ts'
import { noBroker } from '../../../src/protocol/mq/messages.ts'
import { MemoryDirectory } from '../../log/memory-directory.ts'
import { settled } from '../../virtual-clock.ts'
import { life, member, members } from '../partition/members.ts'
import { flipped, follows, leads, open, ours } from './replica-world.ts'

t.test('a log whose directory was lost is incomplete until it is in sync again', async (t) => {
  const directory = new MemoryDirectory()
  markIncomplete(directory)
  const checkpoint = { durableEnd: 50, highWatermark: 40, lastEpoch: 4 }
  const { replica } = open(directory, { isIncomplete: true, checkpoint })
  replica.become({ ...follows, leader: noBroker, isr: members(2), version: 10 }, ours)
  t.match(replica.status, { type: 'incomplete', end: 0, highWatermark: 40 })
  t.equal(replica.highWatermark, 0, 'it has no records')
  const inSync = { ...follows, leader: noBroker, version: 11, leaderEpoch: 6 }
  const isr = [member(1, { isAwaited: true }), member(2)]
  replica.become({ ...inSync, isr }, ours)
  t.match(replica.status, { type: 'incomplete' }, 'the ISR awaits its earlier life')
  replica.become({ ...inSync, version: 12, isr: members(1, 2) }, life(1, { epoch: 11 }))
  t.match(replica.status, { type: 'incomplete' }, 'the ISR names another life')
  replica.become({ ...inSync, version: 13, isr: members(1, 2) }, ours)
  await settled()
  t.match(replica.status, { type: 'whole' })
  t.same(
    directory.list().filter((name) => name === 'incomplete'),
    [],
  )
})

t.test(
  'a log whose tail was cut at the start is reported so until it is in sync again',
  async (t) => {
    const directory = await withTornTail()
    const { replica, host } = open(directory)
    t.ok(hasCutTail(directory))
    t.same(host.log.said('warn'), ['Cut a torn tail off a log'])
    t.equal(replica.logEnd, 2)
    replica.become({ ...follows, leader: noBroker, isr: members(2), version: 10 }, ours)
    t.match(replica.status, { type: 'tail-cut', end: 2 })
    replica.become({ ...leads, leaderEpoch: 6, version: 11 }, ours)
    await settled()
    t.notOk(hasCutTail(directory))
    const again = open(directory)
    again.replica.become({ ...follows, leader: noBroker, version: 12 }, ours)
    t.match(again.replica.status, { type: 'whole' })
  },
)

async function withTornTail(): Promise<MemoryDirectory> {
  const directory = new MemoryDirectory()
  const { replica, produce } = open(directory)
  replica.become(leads, ours)
  produce(1)
  produce(1)
  const whole = produce(1)
  await settled()
  t.equal(whole.result, 2)
  await replica.close()
  const [segment = ''] = directory.list().filter((name) => name.endsWith('.segment'))
  const file = directory.open(segment)
  const bytes = Buffer.alloc(file.sizeBytes())
  file.read(bytes, 0)
  const end = bytes.findLastIndex((byte) => byte !== 0) + 1 // zeros follow
  file.write(flipped(bytes.subarray(end - 8, end)), end - 8)
  file.close()
  return directory
}

t.test('a failure to clear the marks of a loss ends the process', async (t) => {
  const directory = new MemoryDirectory({
    fault: (operation) => (operation === 'remove' ? new Error('EIO') : null),
  })
  markIncomplete(directory)
  const { replica, host } = open(directory, { isIncomplete: true })
  replica.become(leads, ours)
  await settled()
  t.match(host.failures, [{ name: 'LogFailedError' }])
})
