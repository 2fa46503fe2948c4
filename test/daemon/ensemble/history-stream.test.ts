import t from 'tap'
import { HistoryStream } from '../../../src/daemon/ensemble/history-stream.ts'
import type { Entries } from '../../../src/protocol/peer/entries.ts'
import { makeZxid, type Zxid } from '../../../src/protocol/zxid.ts'

const z = (counter: number): Zxid => makeZxid({ epoch: 1, counter })

/** A log that is read three transactions at a time. */
const log = {
  readEntries: ({ after, upTo }: { readonly after: Zxid; readonly upTo: Zxid }): Entries => {
    const count = Math.min(3, upTo - after)
    return { first: (after + 1) as Zxid, count, bytes: Buffer.alloc(4 * count) }
  },
}

function sent(stream: HistoryStream): string[] {
  const runs: string[] = []
  for (let message = stream.next(); message !== undefined; message = stream.next()) {
    if (message.type !== 'PROPOSAL') throw new Error(`Cannot take ${message.type} for history`)
    const { first, count } = message.entries
    runs.push(`${first - z(0)}+${count}`)
  }
  return runs
}

t.test(
  'a learner gets everything after its end up to the bound, once each, in order',
  async (t) => {
    t.same(sent(new HistoryStream(log, { after: z(2), upTo: z(10) })), ['3+3', '6+3', '9+2'])
  },
)

t.test('a learner that lacks nothing gets nothing', async (t) => {
  t.same(sent(new HistoryStream(log, { after: z(10), upTo: z(10) })), [])
})
