import t from 'tap'
import { neverUnclean, type PartitionState } from '../../../src/broker/partition/partition-state.ts'
import { noBroker } from '../../../src/protocol/mq/messages.ts'
import { member } from '../../broker/partition/members.ts'
import { DiskBudget } from './disk-budget.ts'

/** Broker N is in sync in its life N. */
function stateOf(isr: readonly number[], eligible: readonly number[] = []): PartitionState {
  const promised = (brokers: readonly number[]) =>
    brokers.map((broker) => member(broker, { epoch: broker }))
  return {
    leader: noBroker,
    leaderEpoch: 1,
    controllerEpoch: 1,
    isr: promised(isr),
    eligible: promised(eligible),
    committed: 0,
    uncleanEpoch: neverUnclean,
    version: 1,
  }
}

const loss = (broker: number, isTold = true) => ({ broker, zxid: 10, isTold })

t.test('a disk may be lost while another member of each ISR has an intact one', async (t) => {
  const budget = new DiskBudget()
  t.ok(budget.allows([stateOf([1, 2, 3])], { broker: 1, isTold: true }))
  t.notOk(budget.allows([stateOf([1, 2, 3]), stateOf([1])], { broker: 1, isTold: true }))
  budget.lost(loss(2))
  t.ok(budget.allows([stateOf([1, 2, 3])], { broker: 1, isTold: true }))
  t.notOk(budget.allows([stateOf([1, 2])], { broker: 1, isTold: true }))
  t.ok(budget.holds(stateOf([1, 2])))
  t.notOk(budget.holds(stateOf([2])))
})

t.test('a loss that its broker cannot notice requires all the others whole', async (t) => {
  const budget = new DiskBudget()
  t.ok(budget.allows([stateOf([1, 2, 3])], { broker: 1, isTold: false }))
  budget.lost(loss(2))
  t.notOk(budget.allows([stateOf([1, 2, 3])], { broker: 1, isTold: false }))
})

t.test('after a loss, a broker is in sync with the disk that it has then', async (t) => {
  const budget = new DiskBudget()
  budget.lost({ broker: 2, zxid: 1, isTold: false })
  t.ok(budget.holds(stateOf([2])))
  t.notOk(budget.isInDoubt([stateOf([1, 2, 3])]))
  budget.lost({ broker: 2, zxid: 2, isTold: false })
  t.ok(budget.isInDoubt([stateOf([1, 2, 3])]))
  t.ok(budget.isInDoubt([stateOf([1], [2])]), 'an eligible replica may lead too')
  t.notOk(budget.isInDoubt([stateOf([1, 3])]))
  budget.lost({ broker: 2, zxid: 3, isTold: true })
  t.notOk(budget.isInDoubt([stateOf([1, 2, 3])]), 'the loss can be noticed')
})

t.test('damage that is noticed late counts as a loss until all logs were read', async (t) => {
  const budget = new DiskBudget()
  budget.lost({ broker: 2, zxid: 1, isTold: true, isHidden: true })
  t.notOk(budget.holds(stateOf([2])))
  budget.checked({ broker: 2, brokerEpoch: 1 })
  t.notOk(budget.holds(stateOf([2])), 'that was an earlier life')
  budget.checked({ broker: 2, brokerEpoch: 2 })
  t.ok(budget.holds(stateOf([2])))
  t.notOk(budget.hasHidden)
})
