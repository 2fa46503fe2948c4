import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openLevel, piecesOf } from '../../../src/daemon/storage/level.ts'
import type { Entry } from '../../../src/daemon/storage/tree-entries.ts'
import { TreeReaderThreads } from '../../../src/daemon/storage/tree-reader-threads.ts'
import { entriesOf } from './piece.ts'

/** Several pieces, more than are read ahead. */
const count = 20_000

type Database = ReturnType<typeof openLevel>

async function filled(directory: string): Promise<Database> {
  const db = openLevel(directory)
  await db.open()
  await put(db, (i) => `value ${i} ÿ\x00`)
  return db
}

async function put(db: Database, textOf: (i: number) => string): Promise<void> {
  const batch = db.batch()
  for (let i = 0; i < count; i++) batch.put(`/日本/${i}`, textOf(i))
  await batch.write()
}

async function read(pieces: AsyncGenerator<Uint8Array>): Promise<Entry[]> {
  const entries: Entry[] = []
  for await (const piece of pieces) entries.push(...entriesOf(piece))
  return entries
}

t.test('a thread reads what the main thread would', async (t) => {
  const directory = t.testdir()
  const db = await filled(directory)
  const threads = new TreeReaderThreads(directory)
  const [here, there, again] = await Promise.all([
    read(piecesOf(db)),
    read(threads.pieces()),
    read(threads.pieces()),
  ])
  t.equal(there.length, count)
  t.same(there, here)
  t.same(again, here, 'two at a time')
  await threads.close()
  await db.close()
})

t.test('later writes are not read', async (t) => {
  const directory = t.testdir()
  const db = await filled(directory)
  const before = await read(piecesOf(db))
  const pieces = new TreeReaderThreads(directory).pieces()
  const { value: first } = await pieces.next()
  await put(db, (i) => `changed ${i}`)
  const rest = await read(pieces)
  t.same([...entriesOf(first ?? new Uint8Array(0)), ...rest], before)
  t.equal((await read(piecesOf(db)))[0]?.[1].startsWith('changed'), true)
  await db.close()
})

t.test('a reader that stops leaves no thread, which would keep the database open', async (t) => {
  const directory = t.testdir()
  const db = await filled(directory)
  for await (const piece of new TreeReaderThreads(directory).pieces()) {
    t.ok(piece.length > 0)
    break
  }
  await db.close()
  const again = openLevel(directory)
  await again.open()
  t.equal((await read(piecesOf(again))).length, count, 'its lock was free')
  await again.close()
})

t.test('closed meanwhile, it throws: the pieces so far are not a whole tree', async (t) => {
  const directory = t.testdir()
  const db = await filled(directory)
  const threads = new TreeReaderThreads(directory)
  const pieces = threads.pieces()
  await pieces.next()
  await threads.close()
  await db.close()
  await t.rejects(read(pieces), { message: 'The tree was closed while it was read' })
})

t.test('damage that LevelDB finds reaches the reader', async (t) => {
  const directory = t.testdir()
  for (const db of [await filled(directory), openLevel(directory)]) {
    await db.open()
    await db.close()
  }
  const table = join(directory, readdirSync(directory).find((name) => name.endsWith('.ldb')) ?? '')
  const bytes = readFileSync(table)
  writeFileSync(table, bytes.fill(0x55, 1000, bytes.length - 1000))
  const db = openLevel(directory)
  await db.open()
  const threads = new TreeReaderThreads(directory)
  const damaged = { code: 'LEVEL_CORRUPTION' }
  await t.rejects(read(threads.pieces()), damaged)
  const reading = t.rejects(read(threads.pieces()), damaged)
  await t.resolves(threads.close(), 'a reader is told, not the one who closes')
  await reading
  await db.close()
})
