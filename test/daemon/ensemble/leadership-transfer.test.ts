import t from 'tap'
import type { TransferOutcome } from '../../../src/daemon/ensemble/ensemble.ts'
import { LeadershipTransfer } from '../../../src/daemon/ensemble/leadership-transfer.ts'
import type { ServerId } from '../../../src/protocol/records.ts'

const leader = 2 as ServerId

function asked(): { transfer: LeadershipTransfer; outcomes: TransferOutcome[] } {
  const transfer = new LeadershipTransfer()
  const outcomes: TransferOutcome[] = []
  transfer.asked((outcome) => outcomes.push(outcome))
  return { transfer, outcomes }
}

t.test('Zab is told once that nothing is in flight, and only when it asks', async (t) => {
  const { transfer } = asked()
  t.notOk(transfer.takeDrained(0))
  transfer.drain()
  t.notOk(transfer.takeDrained(2))
  t.ok(transfer.takeDrained(0))
  t.notOk(transfer.takeDrained(0))
})

t.test('an attempt that ended asks no more', async (t) => {
  const { transfer } = asked()
  transfer.drain()
  transfer.end({ type: 'refused', reason: 'it took too long' })
  t.notOk(transfer.takeDrained(0))
})

for (const [role, want] of [
  [{ type: 'following', epoch: 5, leader } as const, { type: 'transferred', leader }],
  [{ type: 'looking' } as const, { type: 'not leading' }],
  [{ type: 'leading', epoch: 5 } as const, { type: 'not leading' }],
] as const) {
  t.test(`${role.type}: ${want.type}, told once`, async (t) => {
    const { transfer, outcomes } = asked()
    t.ok(transfer.isAsked)
    transfer.roleChanged(role)
    transfer.roleChanged(role)
    t.same(outcomes, [want])
    t.notOk(transfer.isAsked)
  })
}

t.test('a second transfer is refused, and one while the epoch ends', async (t) => {
  const { transfer } = asked()
  t.equal(transfer.refusal({ isHolding: false }), 'a transfer of leadership is in progress')
  transfer.end({ type: 'not leading' })
  t.equal(transfer.refusal({ isHolding: true }), 'this leader is about to begin its next epoch')
  t.equal(transfer.refusal({ isHolding: false }), undefined)
})
