import t from 'tap'
import { ProposalBatch } from '../../../src/daemon/ensemble/proposal-batch.ts'
import { Undelivered } from '../../../src/daemon/ensemble/undelivered.ts'
import { limits } from '../../../src/limits.ts'
import { copyOf, type Entries, lastOf } from '../../../src/protocol/peer/entries.ts'
import { makeZxid, type Zxid, zxidZero } from '../../../src/protocol/zxid.ts'

const zxid = (counter: number, epoch = 1): Zxid => makeZxid({ epoch, counter })

function batch(first: Zxid, ...payloads: readonly Uint8Array[]): Entries {
  const gathered = new ProposalBatch()
  for (const [i, payload] of payloads.entries()) gathered.add((first + i) as Zxid, payload)
  const entries = gathered.take()
  if (entries === undefined) throw new Error('Cannot make a batch of nothing')
  return entries
}

/** A log in memory that counts how often it is read. */
class FakeLog {
  readonly batches: Entries[] = []
  reads = 0

  get lastZxid(): Zxid {
    const last = this.batches.at(-1)
    return last === undefined ? zxidZero : lastOf(last)
  }

  readEntries({ after }: { readonly after: Zxid }): Entries {
    this.reads++
    const next = this.batches.find((entries) => lastOf(entries) > after)
    if (next === undefined) throw new Error(`Cannot read after ${after}: the log ends there`)
    return next
  }
}

function world() {
  const log = new FakeLog()
  const undelivered = new Undelivered(log, zxidZero)
  const append = (entries: Entries): void => {
    const read = copyOf(entries)
    undelivered.keep(read)
    read.bytes.fill(0) // as the next read from the socket may
    log.batches.push(entries)
  }
  const seen: string[] = []
  const deliver = (upTo: Zxid): string[] => {
    seen.length = 0
    undelivered.deliver(upTo, (at, payload) => seen.push(`${at}=${payload}`))
    return [...seen]
  }
  return { log, undelivered, append, deliver }
}

const [a, b, c] = [Buffer.from('a'), Buffer.from('b'), Buffer.from('c')]

t.test('appended entries are delivered in order, once, from memory', async (t) => {
  const { log, undelivered, append, deliver } = world()
  append(batch(zxid(1), a, b))
  append(batch(zxid(3), c))
  t.same(deliver(zxid(1)), [`${zxid(1)}=a`])
  t.same(deliver(zxid(3)), [`${zxid(2)}=b`, `${zxid(3)}=c`])
  t.same(deliver(zxid(3)), [])
  t.equal(undelivered.delivered, zxid(3))
  t.equal(log.reads, 0)
})

t.test('forgotten entries are read from the log', async (t) => {
  const { log, undelivered, append, deliver } = world()
  append(batch(zxid(1), a))
  undelivered.forget()
  append(batch(zxid(1, 2), b))
  t.same(deliver(zxid(1, 2)), [`${zxid(1)}=a`, `${zxid(1, 2)}=b`])
  t.equal(log.reads, 1, 'later entries are in memory')
})

t.test('a history larger than the memory bound is delivered whole', async (t) => {
  const { log, append, deliver } = world()
  const large = Buffer.alloc(limits.undeliveredBytesMax / 2 + 1)
  for (let counter = 1; counter <= 4; counter++) append(batch(zxid(counter), large))
  t.equal(deliver(zxid(4)).length, 4)
  t.ok(log.reads > 0, 'part of it was not kept')
})

t.test('after a received tree, delivery continues in another log', async (t) => {
  const { undelivered, append } = world()
  append(batch(zxid(1), a))
  const log = new FakeLog()
  undelivered.restartAfter(zxid(9), log)
  const entries = batch(zxid(10), b)
  undelivered.keep(entries)
  log.batches.push(entries)
  const seen: string[] = []
  undelivered.deliver(zxid(10), (at, payload) => seen.push(`${at}=${payload}`))
  t.same(seen, [`${zxid(10)}=b`])
})
