import t from 'tap'
import { claimDirectory, directoryName } from '../../../src/broker/partition/partition-directory.ts'
import { MemoryDirectory } from '../../log/memory-directory.ts'

const name = { topic: 'x'.repeat(249), topicId: 'mTYQqlBkRd-oQ4ZXYyRjWQ', partition: 999 }

function textIn(directory: MemoryDirectory): string {
  const file = directory.open('partition.json')
  const bytes = Buffer.alloc(file.sizeBytes())
  file.read(bytes, 0)
  return bytes.toString()
}

function withText(text: string): MemoryDirectory {
  const directory = new MemoryDirectory()
  directory.create('partition.json').write(Buffer.from(text), 0)
  return directory
}

t.test('its name is short, whatever the topic’s name', async (t) => {
  t.equal(directoryName(name), 'mTYQqlBkRd-oQ4ZXYyRjWQ-999')
})

t.test('a new directory names its partition, and is accepted for it again', async (t) => {
  const directory = new MemoryDirectory()
  claimDirectory(directory, name)
  t.same(JSON.parse(textIn(directory)), { version: 1, ...name })
  t.same(directory.list(), ['partition.json'], 'nothing else is left')
  claimDirectory(directory, name)
  t.throws(() => claimDirectory(directory, { ...name, partition: 1 }), {
    name: 'PartitionDirectoryError',
    message: /holds partition 999 of topic 'xxx/,
  })
  t.throws(() => claimDirectory(directory, { ...name, topicId: 'y' }))
})

t.test('its file survives a power cut, content and name', async (t) => {
  const directory = new MemoryDirectory()
  claimDirectory(directory, name)
  directory.syncNow() // as opening the log does
  const after = directory.crash()
  t.same(JSON.parse(textIn(after)), { version: 1, ...name })
})

for (const text of ['', '{', 'null', '[]', '{"version":2}']) {
  t.test(`'${text}' in its file is refused`, async (t) => {
    const error = { name: 'PartitionDirectoryError' }
    t.throws(() => claimDirectory(withText(text), name), error)
  })
}
