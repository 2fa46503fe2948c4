import t from 'tap'
import { Operation } from '../../../src/broker/replication/purgatory.ts'
import { settled } from '../../virtual-clock.ts'
import { members } from '../partition/members.ts'
import { following, follows, leads, open, ours } from './replica-world.ts'

t.test('a watch sees records at once, and the high watermark as it rises', async (t) => {
  const { replica, produce, fetchedBy2 } = open()
  replica.become(leads, ours)
  const seen: string[] = []
  const unwatch = replica.watch({
    appended: () => seen.push(`appended ${replica.logEnd}`),
    moved: () => seen.push(`moved ${replica.durableEnd} ${replica.highWatermark}`),
    replicasChanged: () => seen.push('replicas changed'),
    roleEnded: () => seen.push('role ended'),
  })
  produce(1)
  t.same(seen, ['appended 1'], 'before the record is durable here')
  await settled()
  fetchedBy2(1)
  fetchedBy2(1)
  t.same(seen, ['appended 1', 'moved 1 0', 'moved 1 1'])
  replica.resign()
  t.same(seen.at(-1), 'role ended')
  unwatch()
  replica.become({ ...leads, leaderEpoch: 6 }, ours)
  t.equal(seen.length, 4)
})

t.test('a change of roles does not end a consumer’s wait', async (t) => {
  const { replica } = await following([5])
  const endings: string[] = []
  replica.waitForRecords(new Operation((ending) => endings.push(ending)), 0)
  replica.become({ ...leads, isr: members(1), leaderEpoch: 6, version: 10 }, ours)
  t.same(endings, ['reached'], 'alone in the ISR it commits what it has')
  replica.waitForRecords(new Operation((ending) => endings.push(ending)), 1)
  replica.become({ ...follows, leaderEpoch: 7, version: 11 }, ours)
  t.equal(endings.length, 1)
  await replica.close()
  t.same(endings, ['reached', 'calledOff'])
})
