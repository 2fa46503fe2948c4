import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { DataDir } from '../../src/broker/data-dir.ts'
import type { BrokerId } from '../../src/protocol/mq/messages.ts'
import { realDisk } from '../../src/real-disk.ts'
import type { Disk } from '../../src/world.ts'
import { MemoryDirectory } from '../log/memory-directory.ts'

const one = 1 as BrokerId

let made = 0

function open(disk: Disk, broker = one): DataDir {
  return new DataDir(disk, broker, () => `directory ${++made}`)
}

t.test('a new directory belongs to the first cluster that uses it, and to no other', async (t) => {
  const disk = realDisk(t.testdir())
  const dataDir = open(disk)
  t.equal(dataDir.clusterId, undefined)
  await dataDir.claim('a cluster')
  t.equal(dataDir.clusterId, 'a cluster')
  await dataDir.claim('a cluster')
  await t.rejects(dataDir.claim('another'), { name: 'DataDirError', message: /a cluster/ })
  await dataDir.release()

  const again = open(disk)
  t.equal(again.clusterId, 'a cluster')
  await again.release()
  t.throws(() => open(disk, 2 as BrokerId), { name: 'DataDirError', message: /broker 1/ })
})

t.test('one process at a time uses it', async (t) => {
  const disk = realDisk(t.testdir())
  const dataDir = open(disk)
  t.throws(() => open(disk), { name: 'DataDirLockedError' })
  await dataDir.release()
  await open(disk).release()
})

t.test('its identity is created with it and stays until it takes a new one', async (t) => {
  const disk = realDisk(t.testdir())
  const dataDir = open(disk)
  t.equal(dataDir.directoryId, undefined)
  await dataDir.claim('c')
  const { directoryId } = dataDir
  await dataDir.raise({ life: 7, counter: 3 })
  await dataDir.release()
  const again = open(disk)
  t.equal(again.directoryId, directoryId)
  t.same(again.mark, { life: 7, counter: 3 })
  await again.takeNewIdentity()
  await again.release()
  const other = open(disk)
  t.not(other.directoryId, directoryId)
  t.equal(other.clusterId, 'c')
  await other.release()
})

t.test('an unreadable mark is the lowest', async (t) => {
  const dataDir = open(realDisk(t.testdir({ 'mark.json': '{"version":1,"life":7' })))
  t.same(dataDir.mark, { life: 0, counter: 0 })
  await dataDir.release()
})

const refused = [
  { text: '{"version":1,"brokerId":1,"clusterId":"c"}', says: /release 0\.1\.0/ },
  { text: '{"version":3,"brokerId":1,"clusterId":"c"}', says: /version 3/ },
  { text: '{"version":2,"brokerId":1}', says: /damaged/ },
  { text: '{"version":2,"brokerId":1,"clusterId":"c"}', says: /damaged/ },
  { text: '{', says: /damaged/ },
  { text: '', says: /damaged/ },
]
for (const { text, says } of refused) {
  t.test(`refused, and the lock given back: ${text}`, async (t) => {
    const path = t.testdir()
    writeFileSync(join(path, 'broker.json'), text)
    t.throws(() => open(realDisk(path)), { name: 'DataDirError', message: says })
    writeFileSync(
      join(path, 'broker.json'),
      '{"version":2,"brokerId":1,"clusterId":"a","directoryId":"d"}',
    )
    await open(realDisk(path)).release()
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
    removeLog: async () => undefined,
    reserve: () => ({ hold: () => undefined, release: () => undefined }),
  }
  await open(disk).claim('a cluster')
  files = files.crash()
  const dataDir = open(disk)
  t.equal(dataDir.clusterId, 'a cluster')
  const unclaimed = dataDir.checkpoints.replaced(Buffer.from('{}'))
  await dataDir.release()
  t.equal(isLocked, false)
  await unclaimed
})
