import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadMeta, type Meta, MetaFile } from '../../../src/daemon/ensemble/meta.ts'
import { openDiskDirectory } from '../../../src/log/segment-file.ts'
import { crc32c } from '../../../src/protocol/crc32c.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import { makeZxid } from '../../../src/protocol/zxid.ts'
import { MemoryDirectory } from '../../log/memory-directory.ts'

const meta: Meta = {
  serverId: 3 as ServerId,
  ensembleId: 'ensemble-1',
  initialised: true,
  acceptedEpoch: 7,
  currentEpoch: 6,
  treeDir: 'tree-1',
  logDir: 'log-1',
  logBaseZxid: makeZxid({ epoch: 5, counter: 1000 }),
  config: { version: makeZxid({ epoch: 1, counter: 0 }), voters: [3 as ServerId], text: 'Zoë' },
}

const save = (file: MetaFile, what: Meta) =>
  new Promise<Error | null>((resolve) => file.save(what, resolve))

t.test('a new data directory has no meta', async (t) => {
  t.equal(loadMeta(openDiskDirectory(t.testdir())), null)
})

t.test('the directory may be closed once no save is in progress', async (t) => {
  const directory = openDiskDirectory(t.testdir())
  const file = new MetaFile(directory)
  const saved: number[] = []
  for (const acceptedEpoch of [8, 9]) {
    file.save({ ...meta, acceptedEpoch }, (error) => {
      t.equal(error, null)
      saved.push(acceptedEpoch)
    })
  }
  await file.settled()
  directory.close()
  t.same(saved, [8, 9])
  await file.settled()
})

t.test('the last save is loaded, and no other file is left', async (t) => {
  const dataDir = t.testdir()
  const file = new MetaFile(openDiskDirectory(dataDir))
  const epochs = [8, 9, 10, 11]
  const results = await Promise.all(
    epochs.map((acceptedEpoch) => save(file, { ...meta, acceptedEpoch })),
  )
  t.same(results, [null, null, null, null])
  t.same(loadMeta(openDiskDirectory(dataDir)), { ...meta, acceptedEpoch: 11 })
  t.same(readdirSync(dataDir), ['meta'])
})

t.test('a file left by a crash before the rename changes nothing', async (t) => {
  const dataDir = t.testdir({ 'meta.new': 'half a fi' })
  t.equal(loadMeta(openDiskDirectory(dataDir)), null)
  t.equal(await save(new MetaFile(openDiskDirectory(dataDir)), meta), null)
  t.same(loadMeta(openDiskDirectory(dataDir)), meta)
})

t.test('a loaded meta survives a power cut', async (t) => {
  const asked: (() => void)[] = []
  const dataDir = new MemoryDirectory({ schedule: (complete) => asked.push(complete) })
  const file = new MetaFile(dataDir)
  const finish = (): void => {
    for (let next = asked.shift(); next !== undefined; next = asked.shift()) next()
  }
  file.save(meta, () => undefined)
  finish()
  file.save({ ...meta, acceptedEpoch: 8 }, () => t.fail('it is not saved'))
  asked.shift()?.()
  t.equal(asked.length, 1, 'the process is killed between rename and sync of the directory')
  t.equal(loadMeta(dataDir.crash())?.acceptedEpoch, 7, 'so a power cut could lose it')
  t.equal(loadMeta(dataDir)?.acceptedEpoch, 8)
  t.equal(loadMeta(dataDir.crash())?.acceptedEpoch, 8, 'but not after it was loaded')
})

t.test('a failed save is reported', async (t) => {
  const dataDir = t.testdir()
  mkdirSync(join(dataDir, 'meta.new'))
  t.match(await save(new MetaFile(openDiskDirectory(dataDir)), meta), { code: 'EISDIR' })
  t.equal(loadMeta(openDiskDirectory(dataDir)), null)
})

t.test('an epoch above the accepted one is our own mistake', async (t) => {
  const file = new MetaFile(openDiskDirectory(t.testdir()))
  t.throws(() => file.save({ ...meta, currentEpoch: 8 }, () => undefined), /accepted before/)
})

t.test('every flipped bit and every cut is noticed', async (t) => {
  const dataDir = t.testdir()
  await save(new MetaFile(openDiskDirectory(dataDir)), meta)
  const path = join(dataDir, 'meta')
  const good = readFileSync(path)
  const believed: string[] = []
  const tryLoad = (bytes: Buffer, what: string) => {
    writeFileSync(path, bytes)
    try {
      loadMeta(openDiskDirectory(dataDir))
      believed.push(what)
    } catch (error) {
      t.match(error, { name: 'MetaError', file: path }) || believed.push(`${what}: ${error}`)
    }
  }
  for (let at = 0; at < good.length; at++) {
    const flipped = Buffer.from(good)
    flipped.writeUInt8(good.readUInt8(at) ^ (1 << (at % 8)), at)
    tryLoad(flipped, `flipped at ${at}`)
    tryLoad(good.subarray(0, at), `cut at ${at}`)
  }
  t.same(believed, [])
})

t.test('a later format is refused by name and version', async (t) => {
  const dataDir = t.testdir()
  const body = `${JSON.stringify({ formatVersion: 2, ...meta })}\n`
  const crc = crc32c(Buffer.from(body)).toString(16).padStart(8, '0')
  writeFileSync(join(dataDir, 'meta'), `${crc} ${body}`)
  t.throws(() => loadMeta(openDiskDirectory(dataDir)), {
    name: 'MetaError',
    message: /format version 2/,
  })
})
