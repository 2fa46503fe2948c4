import t from 'tap'
import { Proposals } from '../../../src/daemon/ensemble/proposals.ts'
import { limits } from '../../../src/limits.ts'
import { makeZxid, zxidZero } from '../../../src/protocol/zxid.ts'

const z = (epoch: number, counter: number) => makeZxid({ epoch, counter })
const payload = Buffer.from('txn')

function leading(epoch: number): Proposals {
  const proposals = new Proposals()
  proposals.restart(epoch)
  return proposals
}

t.test('an epoch begins at its first zxid, and none is skipped', async (t) => {
  const proposals = leading(3)
  t.equal(proposals.next, z(3, 1))
  proposals.add(z(3, 1), payload)
  t.equal(proposals.next, z(3, 2))
  t.throws(() => proposals.add(z(3, 3), payload), /no gaps/)
})

t.test('a server that does not lead assigns no zxid, and has nothing in flight', async (t) => {
  const proposals = leading(3)
  proposals.add(z(3, 1), payload)
  proposals.restart(undefined)
  t.throws(() => proposals.next, /only a leader/)
  t.equal(proposals.inFlight(zxidZero), 0)
  t.equal(proposals.take(), undefined)
})

t.test(
  'undelivered transactions are in flight; deliveries of an earlier epoch do not count',
  async (t) => {
    const proposals = leading(3)
    t.equal(proposals.inFlight(z(2, 50)), 0)
    for (const counter of [1, 2, 3]) proposals.add(z(3, counter), payload)
    t.equal(proposals.inFlight(z(2, 50)), 3)
    t.equal(proposals.inFlight(z(3, 2)), 1)
    t.equal(proposals.inFlight(z(3, 3)), 0)
  },
)

t.test('a batch that was not taken when the epoch ended is not in the next epoch', async (t) => {
  const proposals = leading(3)
  proposals.add(z(3, 1), payload)
  proposals.restart(4)
  proposals.add(z(4, 1), payload)
  t.match(proposals.take(), { first: z(4, 1), count: 1 })
})

t.test('a batch is full beyond its bound', async (t) => {
  const proposals = leading(1)
  proposals.add(z(1, 1), Buffer.alloc(limits.proposalBatchBytesMax - 4))
  t.notOk(proposals.isFull)
  proposals.add(z(1, 2), payload)
  t.ok(proposals.isFull)
  proposals.take()
  t.notOk(proposals.isFull)
})
