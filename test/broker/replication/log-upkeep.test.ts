import t from 'tap'
import { MemoryDirectory } from '../../log/memory-directory.ts'
import { settled } from '../../virtual-clock.ts'
import { members } from '../partition/members.ts'
import { leadingAlone, leads, open, ours, reopened, rules } from './replica-world.ts'

t.test('segments that are due by the topic’s rules are removed', async (t) => {
  const { replica, directory } = await leadingAlone()
  replica.maintain(rules({ 'retention.ms': -1, 'retention.bytes': -1 }), 1e12)
  await settled()
  t.equal(replica.earliestOffset, 0)
  replica.maintain(rules({ 'retention.bytes': 150, 'cleanup.policy': ['compact'] }), 0)
  await settled()
  t.equal(replica.earliestOffset, 0, 'a log that is only compacted keeps all')
  replica.maintain(rules({ 'retention.bytes': 150 }), 0)
  await settled()
  t.equal(replica.earliestOffset, 2)
  replica.maintain(rules({ 'retention.ms': 1000 }), 1e12)
  await settled()
  t.same([replica.earliestOffset, replica.logEnd], [6, 6], 'by time, all of it')
  t.equal(reopened(directory).replica.earliestOffset, 6)
})

t.test('a segment ends by age, whatever timestamps its records have', async (t) => {
  const { replica, directory, produce } = open(new MemoryDirectory())
  replica.become({ ...leads, isr: members(1) }, ours)
  const produced = async () => {
    produce(1)
    await settled()
    return directory.list().filter((name) => name.endsWith('.segment')).length
  }
  t.equal(await produced(), 1)
  const hour = rules({ 'segment.bytes': 1 << 20, 'segment.ms': 3_600_000, 'retention.ms': -1 })
  replica.maintain(hour, 0)
  t.equal(await produced(), 1, 'the records are of 1970, and so is the time')
  replica.maintain(hour, 3_600_002)
  t.equal(await produced(), 2)
})
