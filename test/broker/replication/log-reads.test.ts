import t from 'tap'
import { isSuspect, markSuspect } from '../../../src/broker/partition/partition-directory.ts'
import { settled } from '../../virtual-clock.ts'
import { batch, flipped, leadingAlone, leads, open, ours } from './replica-world.ts'

t.test('consumers read only what is committed', async (t) => {
  const { replica, produce, fetchedBy2 } = open()
  replica.become(leads, ours)
  produce(1)
  produce(1)
  await settled()
  t.equal(replica.readCommitted(0, 1e6).records.length, 0)
  fetchedBy2(1)
  const { records, highWatermark } = replica.readCommitted(0, 1e6)
  t.equal(highWatermark, 1)
  t.equal(records.length, batch(1).length)
  t.equal(replica.readForFollower(0, 1e6).records.length, 2 * records.length)
})

/** The log of `leadingAlone`, stopped cleanly, with a flipped bit in its first batch, and open again. */
async function damagedAndOpen() {
  const { replica, directory } = await leadingAlone()
  replica.maybeSaveSnapshot({ isLast: true })
  await replica.close()
  const file = directory.open('0000000000000000.segment')
  const bytes = Buffer.alloc(file.sizeBytes())
  file.read(bytes, 0)
  file.write(flipped(bytes.subarray(0, batch(2).length)), 0)
  file.syncNow()
  const checkpoint = { durableEnd: 6, highWatermark: 6, lastEpoch: 5 }
  return { checkpoint, ...open(directory, { segmentBytes: 100, checkpoint }) }
}

t.test(
  'a damaged batch is not served, nor is anything after it, and the host is told',
  async (t) => {
    const { replica, host } = await damagedAndOpen()
    t.equal(
      replica.readCommitted(2, 1e6).records.length,
      batch(2).length,
      'a start reads none of it',
    )
    t.equal(replica.readCommitted(0, 1e6).records.length, 0)
    t.equal(replica.readForFollower(2, 1e6).records.length, 0)
    t.match(host.damages, [{ name: 'LogDamagedError', byteOffset: 0 }])
    t.equal(host.damages.length, 1)
  },
)

t.test('a check finds damage before a fetch does', async (t) => {
  const { replica, host } = await damagedAndOpen()
  t.notOk(replica.isChecked)
  replica.checkSome(10)
  t.ok(replica.isChecked)
  t.match(host.damages, [{ byteOffset: 0 }])
})

t.test('a start after damage was found reads the whole log, and refuses it', async (t) => {
  const { replica, directory, checkpoint } = await damagedAndOpen()
  replica.checkSome(10)
  await replica.close()
  t.ok(isSuspect(directory))
  const again = () => open(directory, { segmentBytes: 100, checkpoint, isSuspect: true })
  t.throws(again, { name: 'LogDamagedError', byteOffset: 0 })
  t.ok(isSuspect(directory))
})

t.test('a suspicion ends when the whole log was read and is sound', async (t) => {
  const { replica, directory } = await leadingAlone()
  await replica.close()
  markSuspect(directory)
  const { replica: again } = open(directory, { segmentBytes: 100, isSuspect: true })
  t.ok(again.isChecked)
  t.notOk(isSuspect(directory))
})
