import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { DataDir } from '../../src/broker/data-dir.ts'
import type { BrokerId } from '../../src/protocol/mq/messages.ts'
import { realDisk } from '../../src/real-disk.ts'
import type { Disk } from '../../src/world.ts'
import { MemoryDirectory } from '../log/memory-directory.ts'

const one = 1 as BrokerId

t.test('a new one belongs to the first cluster that it is used in, and to no other', async (t) => {
  const disk = realDisk(t.testdir())
  const dataDir = new DataDir(disk, one)
  t.equal(dataDir.clusterId, undefined)
  await dataDir.claim('a cluster')
  t.equal(dataDir.clusterId, 'a cluster')
  await dataDir.claim('a cluster')
  await t.rejects(dataDir.claim('another'), { name: 'DataDirError', message: /a cluster/ })
  await dataDir.release()

  const again = new DataDir(disk, one)
  t.equal(again.clusterId, 'a cluster')
  await again.release()
  t.throws(() => new DataDir(disk, 2 as BrokerId), { name: 'DataDirError', message: /broker 1/ })
})

t.test('one process at a time uses it', async (t) => {
  const disk = realDisk(t.testdir())
  const dataDir = new DataDir(disk, one)
  t.throws(() => new DataDir(disk, one), { name: 'DataDirLockedError' })
  await dataDir.release()
  await new DataDir(disk, one).release()
})

const refused = [
  { text: '{"version":1,"brokerId":1,"clusterId":"c"}', says: /release 0\.1\.0/ },
  { text: '{"version":3,"brokerId":1,"clusterId":"c"}', says: /version 3/ },
  { text: '{"version":2,"brokerId":1}', says: /damaged/ },
  { text: '{', says: /damaged/ },
  { text: '', says: /damaged/ },
]
for (const { text, says } of refused) {
  t.test(`refused, and the lock given back: ${text}`, async (t) => {
    const path = t.testdir()
    writeFileSync(join(path, 'broker.json'), text)
    t.throws(() => new DataDir(realDisk(path), one), { name: 'DataDirError', message: says })
    writeFileSync(join(path, 'broker.json'), '{"version":2,"brokerId":1,"clusterId":"a"}')
    await new DataDir(realDisk(path), one).release()
  })
}

t.test('a claim survives a power cut', async (t) => {
  let files = new MemoryDirectory()
  let isLocked = false
  const disk: Disk = {
    path: 'data',
    lock: () => {
      isLocked = true
      return () => {
        isLocked = false
      }
    },
    openFiles: () => files,
    openLog: () => new MemoryDirectory(),
    reserve: () => ({ hold: () => undefined, release: () => undefined }),
  }
  await new DataDir(disk, one).claim('a cluster')
  files = files.crash()
  const dataDir = new DataDir(disk, one)
  t.equal(dataDir.clusterId, 'a cluster')
  const unclaimed = dataDir.highWatermarks.replaced(Buffer.from('{}'))
  await dataDir.release()
  t.equal(isLocked, false)
  await unclaimed
})
