import t from 'tap'
import { EpochBound } from '../../../src/daemon/zab/epoch-bound.ts'
import { epochMax } from '../../../src/protocol/zxid.ts'

const minuteMs = 60_000

t.test('one step is free; skipped epochs are paid for', async (t) => {
  const bound = new EpochBound(100)
  t.ok(bound.believes(0, 3, 7), 'an older epoch is always believed')
  for (let epoch = 8; epoch < 500; epoch++) t.ok(bound.believes(0, epoch, epoch - 1))
  t.notOk(bound.believes(0, 601, 499))
  t.ok(bound.believes(0, 560, 499))
  t.ok(bound.believes(0, 560, 499), '560 is known now, and paid for')
  t.notOk(bound.believes(0, 602, 560))
  t.ok(bound.believes(0, 601, 560))
  t.notOk(bound.believes(0, 603, 601), 'nothing is left')
  t.ok(bound.believes(minuteMs, 652, 601), 'half of it comes back in a minute')
  t.notOk(bound.believes(minuteMs, 654, 652))
  t.notOk(bound.believes(100 * minuteMs, 754, 652), 'never more than all of it')
  t.ok(bound.believes(100 * minuteMs, 753, 652))
})

t.test('what a majority vouches for is free', async (t) => {
  const bound = new EpochBound(100)
  bound.vouched(5000)
  t.ok(bound.believes(0, 5000, 7))
  t.ok(bound.believes(0, 5101, 7))
  t.notOk(bound.believes(0, 5103, 7))
  bound.vouched(20)
  t.ok(bound.believes(0, 5101, 7), 'and a lower one does not undo it')
})

t.test(
  'a refused claim advances our own epoch by half an allowance, if that is left',
  async (t) => {
    const bound = new EpochBound(100)
    t.equal(bound.raised(0, 5000, 7), 57)
    t.equal(bound.raised(0, 5000, 57), 107)
    t.equal(bound.raised(minuteMs - 1, 5000, 107), 107)
    t.equal(bound.raised(minuteMs, 5000, 107), 157)
    t.equal(new EpochBound(100).raised(0, 20, 7), 19, 'never up to the claim itself')
  },
)

/** How long a server that receives a claim every second takes to believe it. */
function minutesApart(gap: number): number {
  const bound = new EpochBound()
  let accepted = 1
  let nowMs = 0
  for (; !bound.believes(nowMs, 1 + gap, accepted); nowMs += 1000) {
    accepted = bound.raised(nowMs, 1 + gap, accepted)
  }
  return nowMs / minuteMs
}

t.test('two honest servers meet, however far apart', async (t) => {
  t.equal(minutesApart(1024), 0)
  t.ok(minutesApart(10_000) < 20)
})

t.test(
  'false claims need days to exhaust the epochs, whether large or just believable',
  async (t) => {
    t.ok(minutesApart(epochMax - 2) > 2 * 24 * 60)
    const bound = new EpochBound()
    let epoch = 1
    for (let nowMs = 0; nowMs < 24 * 60 * minuteMs; nowMs += 100) {
      for (const claimed of [epoch + 1025, epoch + 6]) {
        if (bound.believes(nowMs, claimed, epoch)) epoch = claimed
      }
    }
    // One free step for each of ten false claims in a second, each of which needs an election.
    t.ok(epoch - 24 * 60 * 600 < epochMax / 2, `epoch ${epoch}`)
  },
)
