import fc from 'fast-check'
import t from 'tap'
import {
  entryCount,
  entryEnd,
  entryHeaderBytes,
  lastOf,
  writeEntry,
} from '../../../src/protocol/peer/entries.ts'
import { makeZxid } from '../../../src/protocol/zxid.ts'

const payloads = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 })

function runOf(payloads: readonly Uint8Array[]): Buffer {
  const bytes = payloads.reduce((sum, { length }) => sum + entryHeaderBytes + length, 0)
  const run = Buffer.alloc(bytes)
  const end = payloads.reduce((at, payload) => writeEntry(run, at, payload), 0)
  if (end !== bytes) throw new Error(`Cannot write a run of ${bytes} bytes: it ends at ${end}`)
  return run
}

t.test('walking a run yields the payloads that were written', async (t) => {
  const walksBack = fc.property(payloads, (written) => {
    const run = runOf(written)
    const read: Uint8Array[] = []
    for (let at = 0; at < run.length; at = entryEnd(run, at)) {
      read.push(new Uint8Array(run.subarray(at + entryHeaderBytes, entryEnd(run, at))))
    }
    t.same(read, written)
    t.equal(entryCount(run), written.length)
  })
  fc.assert(walksBack)
})

t.test('a run that is cut inside an entry has no count', async (t) => {
  const run = runOf([Buffer.from('first'), Buffer.from('second')])
  const ends = [0, entryEnd(run, 0), run.length]
  for (let length = 0; length <= run.length; length++) {
    const count = entryCount(run.subarray(0, length))
    t.equal(count, ends.includes(length) ? ends.indexOf(length) : undefined, `${length} bytes`)
  }
})

t.test('the last zxid follows from the first and the count', async (t) => {
  const first = makeZxid({ epoch: 3, counter: 7 })
  t.equal(lastOf({ first, count: 1, bytes: Buffer.alloc(4) }), first)
  t.equal(lastOf({ first, count: 3, bytes: Buffer.alloc(12) }), makeZxid({ epoch: 3, counter: 9 }))
})
