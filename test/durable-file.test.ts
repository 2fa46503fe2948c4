import { readdirSync } from 'node:fs'
import t from 'tap'
import { DurableFile } from '../src/durable-file.ts'
import { openDiskDirectory } from '../src/log/segment-file.ts'
import { Random } from '../src/random.ts'
import { MemoryDirectory, type MemoryDirectoryOptions } from './log/memory-directory.ts'

const name = 'small'
const textIn = (directory: MemoryDirectory) => new DurableFile(directory, name).read()?.toString()

/** A directory whose operations end one by one, as `step` says. */
function directoryByHand(options: MemoryDirectoryOptions = {}) {
  const ends: (() => void)[] = []
  const directory = new MemoryDirectory({ schedule: (end) => ends.push(end), ...options })
  const step = (): boolean => {
    const end = ends.shift()
    end?.()
    return end !== undefined
  }
  return { directory, step }
}

t.test('there is no file at first, and a file left aside does not count', async (t) => {
  const { directory } = directoryByHand()
  directory.create(`${name}.new`).write(Buffer.from('half a fi'), 0)
  t.equal(new DurableFile(directory, name).read(), undefined)
})

t.test('a power cut at any moment leaves the old one or the new one', async (t) => {
  const old = 'the old one '.repeat(100)
  const next = 'the new one, which is longer '.repeat(100)
  let lost = 0
  for (let seed = 1; seed <= 200; seed++) {
    const random = new Random(seed)
    const { directory, step } = directoryByHand()
    const file = new DurableFile(directory, name)
    file.replace(Buffer.from(old), (error) => t.equal(error, null))
    while (step());
    let isDone = false
    file.replace(Buffer.from(next), () => {
      isDone = true
    })
    for (let steps = random.below(4); steps > 0; steps--) step()
    const found = textIn(directory.crash(random))
    if (found !== next) lost++
    if (found !== next && (found !== old || isDone)) t.fail(`seed ${seed}: ${found?.slice(0, 20)}`)
  }
  t.ok(lost > 0 && lost < 200, 'both happened')
})

t.test('replacements wait for each other, and the last one stays', async (t) => {
  const path = t.testdir()
  const directory = openDiskDirectory(path)
  const file = new DurableFile(directory, name)
  const done: string[] = []
  const texts = ['first', 'second, longer', '3rd']
  for (const text of texts) file.replace(Buffer.from(text), () => done.push(text))
  await file.settled()
  t.same(done, texts)
  t.equal(file.read()?.toString(), '3rd')
  t.same(readdirSync(path), [name])
  directory.close()
})

t.test('what was read survives a power cut', async (t) => {
  const { directory, step } = directoryByHand()
  const file = new DurableFile(directory, name)
  file.replace(Buffer.from('old'), () => undefined)
  while (step());
  file.replace(Buffer.from('new'), () => t.fail('it is not reported'))
  step()
  t.equal(textIn(directory.crash()), 'old', 'renamed, and the directory is not synced')
  t.equal(textIn(directory), 'new')
  t.equal(textIn(directory.crash()), 'new')
})

t.test('a replacement that fails says so, and leaves the old one', async (t) => {
  for (const operation of ['create', 'write', 'sync', 'directorySync'] as const) {
    let isFull = false
    const full = new Error('ENOSPC')
    const directory = new MemoryDirectory({
      fault: (asked) => (isFull && asked === operation ? full : null),
    })
    const file = new DurableFile(directory, name)
    await file.replaced(Buffer.from('old'))
    isFull = true
    await t.rejects(file.replaced(Buffer.from('new')), full, operation)
    isFull = false
    t.equal(textIn(directory.crash()), 'old', operation)
    await file.replaced(Buffer.from('newer'))
    t.equal(textIn(directory.crash()), 'newer', `${operation}: the next one is not held up`)
  }
})

t.test('a replacement that fails leaves no file open', async (t) => {
  let open = 0
  const memory = new MemoryDirectory({
    fault: (operation) => (operation === 'write' ? new Error('ENOSPC') : null),
  })
  const directory = Object.assign(memory, {
    create: (name: string) => {
      const file = MemoryDirectory.prototype.create.call(memory, name)
      open++
      return Object.assign(file, { close: () => open-- })
    },
  })
  await t.rejects(new DurableFile(directory, name).replaced(Buffer.from('new')))
  t.equal(open, 0)
})
