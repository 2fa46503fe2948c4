import t from 'tap'
import { RoleTimes } from '../../../src/daemon/ensemble/role-times.ts'
import { Metrics } from '../../../src/daemon/metrics.ts'
import type { ServerId } from '../../../src/protocol/records.ts'

const looking = { type: 'looking' } as const
const leading = (epoch: number) => ({ type: 'leading', epoch }) as const
const following = (epoch: number) => ({ type: 'following', epoch, leader: 3 as ServerId }) as const

function played(): { metrics: Metrics; times: RoleTimes } {
  const metrics = new Metrics()
  return { metrics, times: new RoleTimes(metrics, 100) }
}

t.test('a follower: elected, in step, lost, found again', async (t) => {
  const { metrics, times } = played()
  times.changed(following(0), 130)
  times.changed(following(1), 150)
  t.equal(metrics.electionTime.sum, 30)
  t.equal(metrics.followerSyncTime.sum, 20)
  t.equal(metrics.unavailableTime.sum, 50)
  t.equal(times.leadingSinceMs, undefined)
  times.changed(looking, 1000)
  times.changed(following(0), 1001)
  times.changed(looking, 1500)
  times.changed(following(0), 1502)
  times.changed(following(2), 1505)
  t.equal(metrics.looking, 2)
  t.equal(metrics.electionTime.count, 3)
  t.equal(metrics.unavailableTime.range(0).last, 505, 'across both rounds')
  t.equal(metrics.followerSyncTime.range(0).last, 3)
})

t.test('a leader leads from its epoch on, through a handover to the next', async (t) => {
  const { metrics, times } = played()
  times.changed(leading(0), 110)
  t.equal(times.leadingSinceMs, undefined)
  times.changed(leading(1), 120)
  times.changed(leading(2), 500)
  t.equal(times.leadingSinceMs, 120)
  t.equal(metrics.unavailableTime.count, 1)
  t.equal(metrics.followerSyncTime.count, 0)
  times.changed(looking, 600)
  t.equal(times.leadingSinceMs, undefined)
})

t.test('a leader that hands over leads no more, and was never without a leader', async (t) => {
  const { metrics, times } = played()
  times.changed(leading(0), 110)
  times.changed(leading(1), 120)
  times.changed(following(0), 500)
  times.changed(following(2), 520)
  t.equal(times.leadingSinceMs, undefined)
  t.equal(metrics.unavailableTime.count, 1)
  times.changed(leading(0), 600)
  times.changed(leading(3), 610)
  t.equal(times.leadingSinceMs, 610)
})
