import t from 'tap'
import { beginsToCount, WaitingNotice } from '../../../src/daemon/ensemble/waiting-notice.ts'
import type { ServerId } from '../../../src/protocol/records.ts'

const empty = { for: 'data', missing: [2 as ServerId, 3 as ServerId], initialised: [] } as const
const withData = { for: 'data', missing: [], initialised: [2 as ServerId] } as const

t.test('the notice is due every three seconds, from three seconds on', async (t) => {
  const notice = new WaitingNotice(0)
  const told = [1000, 2999, 3000, 3001, 5999, 6000].filter(
    (nowMs) => notice.take(nowMs, empty) !== undefined,
  )
  t.same(told, [3000, 6000])
})

t.test('a wait that ended begins anew', async (t) => {
  const notice = new WaitingNotice(0)
  t.equal(notice.take(9000, undefined), undefined)
  t.equal(notice.take(9100, empty), undefined)
  t.type(notice.take(12_000, empty), 'string')
})

t.test('once a server with data is seen, it waits for a majority of those', async (t) => {
  t.match(new WaitingNotice(0).take(3000, withData), /a majority of servers with data/)
  t.match(new WaitingNotice(0).take(3000, empty), /every server.*--bootstrap/)
  const proposed = { ...empty, for: 'configuration' } as const
  t.match(new WaitingNotice(0).take(3000, proposed), /a change of the ensemble that was proposed/)
})

t.test('a server without data counts once it has taken a history', async (t) => {
  const epochs = (initialised: boolean, currentEpoch: number) => ({
    ...{ acceptedEpoch: 5, currentEpoch, initialised, ensembleId: 'e' },
  })
  t.ok(beginsToCount(epochs(false, 0), epochs(true, 5)))
  t.notOk(beginsToCount(epochs(false, 0), epochs(true, 0)), 'a new ensemble has none')
  t.notOk(beginsToCount(epochs(true, 4), epochs(true, 5)), 'it counted before')
  t.notOk(beginsToCount(epochs(false, 0), epochs(false, 0)))
})
