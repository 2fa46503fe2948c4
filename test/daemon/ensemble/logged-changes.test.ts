import t from 'tap'
import { changesIn } from '../../../src/daemon/ensemble/logged-changes.ts'
import { ProposalBatch } from '../../../src/daemon/ensemble/proposal-batch.ts'
import { type Entries, lastOf } from '../../../src/protocol/peer/entries.ts'
import { makeZxid, type Zxid, zxidZero } from '../../../src/protocol/zxid.ts'

const zxid = (counter: number, epoch = 1): Zxid => makeZxid({ epoch, counter })

function batch(first: Zxid, ...payloads: readonly string[]): Entries {
  const gathered = new ProposalBatch()
  for (const [i, payload] of payloads.entries())
    gathered.add((first + i) as Zxid, Buffer.from(payload))
  const entries = gathered.take()
  if (entries === undefined) throw new Error('Cannot make a batch of nothing')
  return entries
}

/** A log in memory that is read batch by batch. */
function logOf(...batches: readonly Entries[]) {
  return {
    lastZxid: batches.map(lastOf).at(-1) ?? zxidZero,
    readEntries({ after }: { readonly after: Zxid }): Entries {
      const next = batches.find(({ first }) => first > after)
      if (next === undefined) throw new Error(`Cannot read after ${after}: the log ends there`)
      return next
    },
  }
}

const activate = { type: 'activate' } as const
const changeIn = (payload: Uint8Array) =>
  Buffer.from(payload).toString() === 'change' ? activate : undefined

t.test('each change is found with its zxid, in every batch and epoch', async (t) => {
  const log = logOf(
    batch(zxid(1), 'set', 'change', 'set'),
    batch(zxid(4), 'set'),
    batch(zxid(1, 3), 'change'),
  )
  t.same(changesIn(log, zxidZero, changeIn), [
    { zxid: zxid(2), change: activate },
    { zxid: zxid(1, 3), change: activate },
  ])
  t.same(changesIn(log, zxid(3), changeIn), [{ zxid: zxid(1, 3), change: activate }])
  t.same(changesIn(log, zxid(1, 3), changeIn), [], 'the tree shows them')
})
