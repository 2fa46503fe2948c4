import { cpSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Level } from 'level'
import t from 'tap'
import { StoreCodec } from '../../../src/daemon/storage/keys.ts'
import { openTreeDatabase } from '../../../src/daemon/storage/real-disk.ts'
import { DamagedTreeError, TreeStore } from '../../../src/daemon/storage/tree-store.ts'
import { initialFields } from '../../../src/daemon/ztree/znode.ts'
import { crc32c } from '../../../src/protocol/crc32c.ts'
import { zxidZero } from '../../../src/protocol/zxid.ts'
import { Random } from '../../../src/random.ts'
import { Turn } from '../../../src/turn.ts'
import { VirtualClock } from '../../virtual-clock.ts'
import { create, image, multi, remove, setData, TreeWorld } from '../tree-world.ts'
import { entriesOf } from './piece.ts'

/** Longer than the store gathers writes. */
const gatherMs = 1000

interface Opened {
  readonly store: TreeStore
  readonly world: TreeWorld
  readonly clock: VirtualClock
  readonly failures: unknown[]
}

async function open(directory: string): Promise<Opened> {
  const clock = new VirtualClock()
  const failures: unknown[] = []
  const store = await TreeStore.open(directory, openTreeDatabase(directory), {
    clock,
    turn: new Turn(setImmediate),
    onFailure: (e) => failures.push(e),
  })
  return { store, world: new TreeWorld(store.tree), clock, failures }
}

t.test('a fresh store holds the tree that every ensemble begins with', async (t) => {
  const directory = `${t.testdir()}/tree`
  const { store } = await open(directory)
  t.equal(store.tree.nodeCount, 4)
  t.equal(store.persisted, zxidZero)
  const before = image(store.tree)
  await store.close()
  const again = await open(directory)
  t.same(image(again.store.tree), before)
  await again.store.close()
})

t.test('a closed store is loaded unchanged', async (t) => {
  const directory = `${t.testdir()}/tree`
  const { store, world: w } = await open(directory)
  const session = w.open()
  const allBytes = Buffer.from(Uint8Array.from({ length: 256 }, (_, i) => i))
  w.request(session, create('/a', 'value'))
  w.request(session, { ...create('/a/null'), data: null })
  w.request(session, create('/a/empty'))
  w.request(session, { ...create('/a/bytes'), data: allBytes })
  w.request(session, { ...create('/a/large'), data: Buffer.alloc(1_000_000, 0xe9) })
  w.request(session, create('/ä', 'ü'))
  w.request(session, create('/日本'))
  w.request(session, create('/a!', 'sorts between /a and its children'))
  w.request(session, create('/a/e', '', 'ephemeral'))
  w.request(session, create('/a/s', '', 'persistentSequential'))
  w.request(session, remove('/a/empty'))
  w.request(session, setData('/a', 'more'))
  const before = image(store.tree)
  await store.close()
  const again = await open(directory)
  t.same(image(again.store.tree), before)
  t.equal(again.store.tree.get('/a/null')?.data, null)
  t.equal(again.store.tree.get('/a/bytes')?.data?.length, 256)
  t.equal(again.store.persisted, again.store.tree.lastApplied)
  t.equal(again.store.tree.isDirty, false, 'loading makes nothing dirty')
  await again.store.close()
})

t.test('writes gather until the timer fires, then are written as one batch', async (t) => {
  const directory = `${t.testdir()}/tree`
  const { store, world: w, clock } = await open(directory)
  const session = w.open()
  for (let i = 0; i < 10; i++) {
    w.request(session, i === 0 ? create('/a') : setData('/a', `${i}`))
    store.wake()
  }
  t.equal(clock.timerCount, 1)
  t.equal(store.persisted, zxidZero)
  clock.advanceNow(gatherMs)
  const upTo = store.tree.lastApplied
  store.wake()
  t.equal(clock.timerCount, 0, 'no second batch while one is in flight')
  w.request(session, setData('/a', 'later'))
  while (store.persisted === zxidZero) await nextTurn()
  t.equal(store.persisted, upTo)
  await nextTurn()
  t.equal(clock.timerCount, 1, 'writes of the meantime are gathered without another call')
  t.equal(await store.flush(), store.tree.lastApplied)
  t.equal(clock.timerCount, 0)
  await store.close()
  store.wake()
  t.equal(clock.timerCount, 0, 'a closed store writes no more')
})

t.test(
  'a killed server returns to a zxid that it had reached, and replays from there',
  async (t) => {
    const seed = 4711
    t.comment(`seed ${seed}`)
    const random = new Random(seed)
    const root = t.testdir()
    const { store, world: w, clock, failures } = await open(`${root}/tree`)
    const passed = new Map<number, unknown>([[store.tree.lastApplied, image(store.tree)]])
    let session = w.open()
    passed.set(store.tree.lastApplied, image(store.tree))
    const paths = ['/a', '/b', '/a/x', '/a/y', '/b/x', '/b/x/z']
    let copies = 0
    for (let step = 0; step < 1500; step++) {
      const path = random.pick(paths)
      const dice = random.next()
      if (dice < 0.3) w.request(session, create(path, `${step}`))
      else if (dice < 0.4) w.request(session, create(path, `${step}`, 'ephemeral'))
      else if (dice < 0.6) w.request(session, remove(path))
      else if (dice < 0.8) w.request(session, setData(path, `${step}`))
      else if (dice < 0.95) w.request(session, multi(create(`${path}/m`), setData(path, 'multi')))
      else {
        w.request(session, { type: 'closeSession' })
        passed.set(store.tree.lastApplied, image(store.tree))
        session = w.open()
      }
      passed.set(store.tree.lastApplied, image(store.tree))
      store.wake()
      if (random.chance(0.2)) clock.advanceNow(gatherMs)
      if (random.chance(0.3)) await nextTurn()
      if (step % 100 !== 99) continue
      const copy = `${root}/copy${copies++}`
      const promised = store.persisted
      cpSync(`${root}/tree`, copy, { recursive: true })
      const revived = await open(copy)
      const { lastApplied } = revived.store.tree
      t.ok(lastApplied >= promised, 'nothing reported as persisted is lost')
      t.same(image(revived.store.tree), passed.get(lastApplied), `as it was at ${lastApplied}`)
      await revived.store.close()
    }
    t.ok(store.persisted > zxidZero, 'there was something to lose')
    await store.close()
    t.same(failures, [])
  },
)

t.test('a batch of more keys than one turn encodes is still of one zxid', async (t) => {
  const root = t.testdir()
  const { store, world: w } = await open(`${root}/tree`)
  const session = w.open()
  for (let i = 0; i < 3000; i++) w.request(session, create(`/n${i}`, 'before'))
  const flushed = store.flush()
  let turns = 0
  while (store.persisted === zxidZero) {
    // A multi that changes both ends of the batch, on every turn: none may be seen by halves.
    w.request(session, multi(setData('/n0', `${turns}`), setData('/n2999', `${turns}`)))
    turns++
    await nextTurn()
  }
  await flushed
  cpSync(`${root}/tree`, `${root}/copy`, { recursive: true })
  const revived = await open(`${root}/copy`)
  const data = (path: string): string => `${revived.store.tree.get(path)?.data}`
  t.ok(turns > 3, 'the batch took several turns')
  t.equal(data('/n0'), data('/n2999'))
  t.equal(revived.store.tree.lastApplied, store.persisted)
  await revived.store.close()
  await store.close()
})

t.test('a failed write is reported once, and nothing is written after it', async (t) => {
  const directory = `${t.testdir()}/tree`
  const { store, world: w, clock, failures } = await open(directory)
  const session = w.open()
  w.request(session, setData('/'))
  Object.defineProperty(store.tree, 'get', {
    value() {
      throw new Error('broken disk')
    },
  })
  store.wake()
  clock.advanceNow(gatherMs)
  while (failures.length === 0) await nextTurn()
  store.wake()
  t.equal(clock.timerCount, 0)
  await t.rejects(store.flush(), { message: 'broken disk' })
  await t.rejects(store.close(), { message: 'broken disk' })
  t.equal(failures.length, 1)
  const again = await open(directory)
  t.equal(again.store.tree.lastApplied, zxidZero)
  await again.store.close()
})

type Damage = (db: Level<string, string>) => Promise<void>

async function damaged(directory: string, damage: Damage): Promise<void> {
  const { store, world: w } = await open(directory)
  const session = w.open()
  w.request(session, create('/a', 'value'))
  w.request(session, create('/a/b', 'value'))
  await store.close()
  const db = new Level<string, string>(directory)
  await damage(db)
  await db.close()
}

const flip = async (db: Level<string, string>, key: string, at: number): Promise<void> => {
  const value = await db.get(key)
  const bytes = Buffer.from(value, 'latin1')
  bytes[at] = (bytes[at] ?? 0) ^ 1
  await db.put(key, bytes.toString('latin1'))
}

/** A value that belongs to its key, whatever is in it. */
function storedAs(key: string, rest: Buffer): string {
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32c(Buffer.concat([Buffer.from(key), rest])))
  return Buffer.concat([checksum, rest]).toString('latin1')
}

const damages: readonly { name: string; damage: Damage; says: RegExp }[] = [
  { name: 'a flipped bit in a value', damage: (db) => flip(db, '/a', 65), says: /'\/a'/ },
  { name: 'a flipped bit in a checksum', damage: (db) => flip(db, '/a/b', 0), says: /'\/a\/b'/ },
  { name: 'a flipped bit in the meta value', damage: (db) => flip(db, '#', 9), says: /'#'/ },
  {
    name: 'a value under another key',
    damage: async (db) => db.put('/a', await db.get('/a/b')),
    says: /'\/a'/,
  },
  { name: 'a short value', damage: (db) => db.put('/a', 'x'), says: /'\/a'/ },
  { name: 'a lost leaf', damage: (db) => db.del('/a/b'), says: /5 znodes and 1 sessions/ },
  { name: 'a lost parent', damage: (db) => db.del('/a'), says: /'\/a\/b' has no parent/ },
  {
    name: 'a lost session',
    damage: async (db) => {
      for await (const key of db.keys({ gte: 's' })) await db.del(key)
    },
    says: /0 sessions/,
  },
  { name: 'a lost meta value', damage: (db) => db.del('#'), says: /zxid/ },
  { name: 'a key of another program', damage: (db) => db.put('x', 'y'), says: /'x'/ },
  {
    name: 'a format from the future',
    damage: (db) => db.put('#', storedAs('#', Buffer.from([255, 1, 2]))),
    says: /format is 255/,
  },
  {
    name: 'a whole value of another time',
    damage: (db) =>
      db.put('/a/b', new StoreCodec().encodeZnode('/a/b', { ...initialFields, version: 7 })),
    says: /its digest/,
  },
]
for (const { name, damage, says } of damages) {
  t.test(`${name} is refused`, async (t) => {
    const directory = `${t.testdir()}/tree`
    await damaged(directory, damage)
    const opening = open(directory)
    await t.rejects(opening, DamagedTreeError)
    await t.rejects(opening, { message: says })
    await t.rejects(open(directory), DamagedTreeError, 'and the directory is not left locked')
  })
}

t.test('a directory that is open already is refused', async (t) => {
  const directory = `${t.testdir()}/tree`
  const other = new Level(directory)
  await other.open()
  await t.rejects(open(directory), DamagedTreeError)
  await other.close()
})

t.test('a tree of many megabytes, which a thread reads, is loaded and read back', async (t) => {
  const directory = `${t.testdir()}/tree`
  const { store, world: w } = await open(directory)
  const session = w.open()
  const random = new Random(1)
  for (let i = 0; i < 20; i++) {
    const data = Buffer.from(Uint8Array.from({ length: 1_000_000 }, () => random.below(256)))
    w.request(session, { ...create(`/${i}`), data })
  }
  const before = image(store.tree)
  await store.close()
  const again = await open(directory)
  t.same(image(again.store.tree), before)
  const { first, rest } = await again.store.snapshot()
  const entries = [...entriesOf(first)]
  for await (const piece of rest) entries.push(...entriesOf(piece))
  t.equal(entries.length, 1 + again.store.tree.nodeCount + again.store.tree.sessions.size)
  await again.store.close()
})
