import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { DataDir } from '../../src/broker/data-dir.ts'
import { makeUuid } from '../../src/broker/registration.ts'
import type { BrokerId } from '../../src/protocol/mq/messages.ts'

const id = (number: number) => number as BrokerId

function open(path: string, brokerId = id(1)): DataDir {
  return new DataDir(path, brokerId, makeUuid)
}

t.test('it belongs to one broker and one cluster', async (t) => {
  const path = t.testdir()
  const made = open(path)
  t.equal(made.clusterId, undefined)
  await made.claim('c')
  await t.rejects(made.claim('d'), { name: 'DataDirError' })
  await made.release()
  const again = open(path)
  t.equal(again.clusterId, 'c')
  await again.release()
  t.throws(() => open(path, id(2)), { name: 'DataDirError' })
})

t.test('its identity is made with it, and is the same until it takes another', async (t) => {
  const path = t.testdir()
  const made = open(path)
  t.equal(made.directoryId, undefined)
  await made.claim('c')
  const { directoryId } = made
  await made.raise({ life: 7, counter: 3 })
  await made.release()
  const again = open(path)
  t.equal(again.directoryId, directoryId)
  t.same(again.mark, { life: 7, counter: 3 })
  await again.takeNewIdentity()
  await again.release()
  const other = open(path)
  t.not(other.directoryId, directoryId)
  t.equal(other.clusterId, 'c')
  await other.release()
})

t.test('a mark that cannot be read is the lowest', async (t) => {
  const path = t.testdir({ 'mark.json': '{"version":1,"life":7' })
  const made = open(path)
  t.same(made.mark, { life: 0, counter: 0 })
  await made.release()
})

const refused = [
  { text: '{"version":1,"brokerId":1,"clusterId":"c"}', says: /release 0\.1\.0/ },
  { text: '{"version":3,"brokerId":1,"clusterId":"c"}', says: /version 3/ },
  { text: '{"version":2,"brokerId":1}', says: /damaged/ },
  { text: '{"version":2,"brokerId":1,"clusterId":"c"}', says: /damaged/ },
  { text: '', says: /damaged/ },
]
for (const { text, says } of refused) {
  t.test(`refused: ${text}`, async (t) => {
    const path = t.testdir()
    writeFileSync(join(path, 'broker.json'), text)
    const error = { name: 'DataDirError', message: says }
    t.throws(() => open(path), error)
    t.throws(() => open(path), error, 'and the lock is given back')
  })
}
