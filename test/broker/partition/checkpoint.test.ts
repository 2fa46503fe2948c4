import t from 'tap'
import { Checkpoint } from '../../../src/broker/partition/checkpoint.ts'
import { DurableFile } from '../../../src/durable-file.ts'
import { MemoryDirectory } from '../../log/memory-directory.ts'

const name = 'high-watermarks.json'
const checkpointIn = (directory: MemoryDirectory) =>
  new Checkpoint(new DurableFile(directory, name))

t.test('what was written survives a power cut', async (t) => {
  const directory = new MemoryDirectory()
  const checkpoint = checkpointIn(directory)
  await checkpoint.write(new Map([['goals-0', 120]]))
  await checkpoint.write(
    new Map([
      ['goals-0', 121],
      ['goals-1', 7],
    ]),
  )
  const found = checkpointIn(directory.crash())
  t.equal(found.get('goals-0'), 121)
  t.equal(found.get('goals-1'), 7)
  t.equal(found.get('goals-2'), 0, 'never written')
})

t.test('what has not changed is not written again, unless the write failed', async (t) => {
  let writes = 0
  let isFull = false
  const directory = new MemoryDirectory({
    fault: (operation) => {
      if (operation === 'write') writes++
      return isFull && operation === 'write' ? new Error('ENOSPC') : null
    },
  })
  const checkpoint = checkpointIn(directory)
  await checkpoint.write(new Map([['goals-0', 120]]))
  await checkpoint.write(new Map([['goals-0', 120]]))
  t.equal(writes, 1)
  isFull = true
  await t.rejects(checkpoint.write(new Map([['goals-0', 121]])))
  isFull = false
  await checkpoint.write(new Map([['goals-0', 121]]))
  t.equal(checkpointIn(directory).get('goals-0'), 121)
})

t.test('a file that cannot be read as one counts as none', async (t) => {
  for (const text of ['', '{', 'null', '[]', '{"highWatermarks":{"goals-0":-1}}']) {
    const directory = new MemoryDirectory()
    directory.create(name).write(Buffer.from(text), 0)
    t.equal(checkpointIn(directory).get('goals-0'), 0, text)
  }
})
