import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { DataDir } from '../../src/broker/data-dir.ts'
import type { BrokerId } from '../../src/protocol/mq/messages.ts'

const id = (number: number) => number as BrokerId

t.test('it belongs to one broker and one cluster', async (t) => {
  const path = t.testdir()
  const made = new DataDir(path, id(1))
  t.equal(made.clusterId, undefined)
  made.claim('c')
  t.throws(() => made.claim('d'), { name: 'DataDirError' })
  made.release()
  const again = new DataDir(path, id(1))
  t.equal(again.clusterId, 'c')
  again.release()
  t.throws(() => new DataDir(path, id(2)), { name: 'DataDirError' })
})

const refused = [
  { text: '{"version":1,"brokerId":1,"clusterId":"c"}', says: /release 0\.1\.0/ },
  { text: '{"version":3,"brokerId":1,"clusterId":"c"}', says: /version 3/ },
  { text: '{"version":2,"brokerId":1}', says: /damaged/ },
  { text: '', says: /damaged/ },
]
for (const { text, says } of refused) {
  t.test(`refused: ${text}`, async (t) => {
    const path = t.testdir()
    writeFileSync(join(path, 'broker.json'), text)
    const error = { name: 'DataDirError', message: says }
    t.throws(() => new DataDir(path, id(1)), error)
    t.throws(() => new DataDir(path, id(1)), error, 'and the lock is given back')
  })
}
