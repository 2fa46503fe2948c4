import t from 'tap'
import { Redials } from '../../../src/daemon/ensemble/redials.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import { VirtualClock } from '../../virtual-clock.ts'

const [one, two] = [1 as ServerId, 2 as ServerId]

function made() {
  const clock = new VirtualClock()
  const redials = new Redials(clock)
  const dialled: ServerId[] = []
  /** @returns the delay after which `peer` is dialled again */
  const delayOf = (peer: ServerId): number => {
    redials.schedule(peer, () => dialled.push(peer))
    const delayMs = clock.delaysMs.at(-1) ?? Number.NaN
    clock.advanceNow(delayMs)
    return delayMs
  }
  return { clock, redials, dialled, delayOf }
}

t.test('a peer that is down is dialled less and less often', async (t) => {
  const { delayOf, dialled } = made()
  t.same(
    [1, 2, 3, 4, 5, 6, 7].map(() => delayOf(one)),
    [10, 20, 40, 80, 160, 320, 320],
  )
  t.equal(dialled.length, 7)
})

t.test('after a link the first attempt is soon again; peers do not share delays', async (t) => {
  const { delayOf, redials } = made()
  for (let i = 0; i < 4; i++) delayOf(one)
  t.equal(delayOf(two), 10)
  redials.linked(one)
  t.equal(delayOf(one), 10)
})

t.test('after a refusal the next attempt is in a second, later ones as before', async (t) => {
  const { delayOf, redials } = made()
  redials.refused(one)
  t.equal(delayOf(one), 1000)
  t.equal(delayOf(one), 320)
})

t.test('nothing is dialled once closed, not even after a refusal', async (t) => {
  const { clock, redials, dialled } = made()
  redials.schedule(one, () => dialled.push(one))
  redials.refused(one)
  redials.schedule(two, () => dialled.push(two))
  redials.close()
  clock.advanceNow(10_000)
  t.same(dialled, [])
})
