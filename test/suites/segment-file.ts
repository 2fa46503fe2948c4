// What every LogDirectory and its files must do; the disk and the memory implementation run it.

import type { Test } from 'tap'
import type { Done, LogDirectory } from '../../src/log/segment-file.ts'

const finished = (start: (done: Done) => void) =>
  new Promise<void>((resolve, reject) => {
    let hasReturned = false
    start((error) => {
      if (!hasReturned) reject(new Error('done was called before the call returned'))
      else if (error === null) resolve()
      else reject(error)
    })
    hasReturned = true
  })

export function segmentFileSuite(t: Test, make: (t: Test) => LogDirectory): void {
  t.test('a new directory is empty; names are listed, changed and removed', async (t) => {
    const directory = make(t)
    t.same(directory.list(), [])
    for (const name of ['a', 'b', 'c']) directory.create(name).close()
    directory.rename('a', 'd')
    directory.remove('b')
    await finished((done) => directory.sync(done))
    directory.syncNow()
    t.same(directory.list().sort(), ['c', 'd'])
    t.throws(() => directory.open('a'), /ENOENT/)
    t.throws(() => directory.remove('a'), /ENOENT/)
    t.throws(() => directory.rename('a', 'e'), /ENOENT/)
    directory.close()
  })

  t.test('bytes are read where they were written, and reads end with the file', async (t) => {
    const directory = make(t)
    const file = directory.create('a')
    t.equal(file.sizeBytes(), 0)
    file.write(Buffer.from('world'), 6)
    file.write(Buffer.from('hello'), 0)
    const into = Buffer.alloc(20, '.')
    t.equal(file.read(into, 0), 11)
    t.equal(into.toString(), 'hello\0world.........')
    t.equal(file.read(into, 9), 2)
    t.equal(file.read(into, 11), 0)
    t.equal(file.read(into, 500), 0)
    file.close()
    directory.close()
  })

  t.test('a file keeps its bytes under another name, and loses them when made anew', async (t) => {
    const directory = make(t)
    const file = directory.create('a')
    file.write(Buffer.from('one'), 0)
    directory.rename('a', 'b')
    file.write(Buffer.from('two'), 3)
    await finished((done) => file.sync(done))
    file.close()
    const again = directory.open('b')
    const into = Buffer.alloc(6)
    again.read(into, 0)
    t.equal(into.toString(), 'onetwo')
    again.close()
    const anew = directory.create('b')
    t.equal(anew.sizeBytes(), 0)
    anew.close()
    directory.close()
  })

  t.test('writing in the background and syncing finish later', async (t) => {
    const directory = make(t)
    const file = directory.create('a')
    const bytes = Buffer.alloc(3 * 1024 * 1024, 7)
    await finished((done) => file.writeInBackground(bytes, 1, done))
    t.equal(file.sizeBytes(), bytes.length + 1)
    await finished((done) => file.sync(done))
    file.syncNow()
    const into = Buffer.alloc(bytes.length)
    t.equal(file.read(into, 1), bytes.length)
    t.ok(into.equals(bytes))
    file.close()
    directory.close()
  })

  t.test('what is written stays as it was although the caller changes its bytes', async (t) => {
    const directory = make(t)
    const file = directory.create('a')
    const bytes = Buffer.from('before')
    file.write(bytes, 0)
    bytes.fill('x')
    const into = Buffer.alloc(6)
    file.read(into, 0)
    t.equal(into.toString(), 'before')
    file.close()
    directory.close()
  })
}
