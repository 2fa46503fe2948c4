import t from 'tap'
import { AckTimes } from '../../../src/daemon/ensemble/ack-times.ts'
import { Metrics } from '../../../src/daemon/metrics.ts'
import type { Zxid } from '../../../src/protocol/zxid.ts'

t.test('a batch is timed from its proposal until all of it is delivered', async (t) => {
  const metrics = new Metrics()
  const times = new AckTimes(metrics)
  times.proposed(3 as Zxid, 100)
  times.proposed(5 as Zxid, 110)
  times.delivered(2 as Zxid, 120)
  t.equal(metrics.quorumAckLatency.count, 0)
  times.delivered(4 as Zxid, 130)
  t.equal(metrics.quorumAckLatency.sum, 30)
  t.ok(times.isWaiting)
  times.delivered(5 as Zxid, 150)
  t.equal(metrics.quorumAckLatency.sum, 70)
  t.notOk(times.isWaiting)
})

t.test('batches of a lost leadership are not timed', async (t) => {
  const metrics = new Metrics()
  const times = new AckTimes(metrics)
  times.proposed(3 as Zxid, 100)
  times.clear()
  times.delivered(9 as Zxid, 900)
  t.equal(metrics.quorumAckLatency.count, 0)
})
