import t from 'tap'
import { majority, Quorum } from '../../../src/daemon/zab/quorum.ts'
import {
  type Candidate,
  chooseSuccessor,
  Transfer,
  type TransferRequest,
} from '../../../src/daemon/zab/transfer.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import type { Zxid } from '../../../src/protocol/zxid.ts'

const self = 1 as ServerId

const choices: readonly {
  readonly name: string
  readonly voters: number
  /** the voters in step, with the ends of their logs */
  readonly inStep: Readonly<Record<number, number>>
  readonly to?: number
  readonly leaves?: true
  readonly want: number | string
}[] = [
  { name: 'the longest log', voters: 3, inStep: { 2: 7, 3: 5 }, want: 2 },
  { name: 'the larger id of two equal logs', voters: 3, inStep: { 2: 7, 3: 7 }, want: 3 },
  { name: 'the one that is named', voters: 3, inStep: { 2: 7, 3: 5 }, to: 3, want: 3 },
  { name: 'itself', voters: 3, inStep: { 2: 7 }, to: 1, want: 'server 1 leads already' },
  { name: 'no voter', voters: 3, inStep: { 2: 7, 3: 7 }, to: 4, want: 'server 4 is no voter' },
  {
    ...{ name: 'one that does not follow', voters: 3, inStep: { 2: 7 }, to: 3 },
    want: 'server 3 does not follow, or has not caught up yet',
  },
  { name: 'no others', voters: 1, inStep: {}, want: 'this server is the only voter' },
  {
    name: 'none in step',
    voters: 3,
    inStep: {},
    want: 'no other voter follows and has caught up',
  },
  {
    ...{ name: 'a stop that leaves no quorum', voters: 3, inStep: { 2: 7 }, leaves: true },
    want: 'without this server there is no quorum: 1 of the 2 other voters follow',
  },
  {
    ...{ name: 'a stop that leaves no quorum of five', voters: 5, inStep: { 2: 7, 4: 7 } },
    ...{
      leaves: true,
      want: 'without this server there is no quorum: 2 of the 4 other voters follow',
    },
  },
  { name: 'a stop', voters: 5, inStep: { 2: 7, 3: 7, 4: 9 }, leaves: true, want: 4 },
  { name: 'one of two voters that stays', voters: 2, inStep: { 2: 7 }, want: 2 },
]

for (const { name, voters: count, inStep, to, leaves = false, want } of choices) {
  t.test(`a successor is chosen: ${name}`, async (t) => {
    const voters = Array.from({ length: count }, (_, i) => (i + 1) as ServerId)
    const candidates = Object.entries(inStep).map(
      ([id, logged]): Candidate => ({ id: Number(id) as ServerId, logged: logged as Zxid }),
    )
    const request: TransferRequest = { to: to as ServerId | undefined, leaves }
    const quorum = new Quorum(majority(voters))
    const choice = chooseSuccessor(request, { self, voters, quorum, candidates })
    t.equal(choice.type === 'chosen' ? choice.successor : choice.reason, want)
  })
}

const [two, three] = [2 as ServerId, 3 as ServerId]
const begun = () => new Transfer({ attempt: 4, successor: two, deadlineMs: 1000 })

t.test('it drains once all learners in step hold their requests', async (t) => {
  const transfer = begun()
  transfer.held(two)
  t.notOk(transfer.maybeDrain([two, three]))
  transfer.held(three)
  t.ok(transfer.maybeDrain([two, three]))
  t.notOk(transfer.maybeDrain([two, three]), 'once')
})

t.test('a learner that is lost is not waited for', async (t) => {
  const transfer = begun()
  transfer.held(two)
  transfer.forget(three)
  t.ok(transfer.maybeDrain([two]))
})

t.test(
  'a learner that holds too late may have sent what was not taken: it does not go on',
  async (t) => {
    const transfer = begun()
    transfer.held(two)
    t.ok(transfer.maybeDrain([two]))
    transfer.held(three)
    t.ok(transfer.hasHeld(two))
    t.notOk(transfer.hasHeld(three))
  },
)

t.test('one that was lost and came back has held nothing', async (t) => {
  const transfer = begun()
  transfer.held(three)
  transfer.forget(three)
  t.notOk(transfer.hasHeld(three))
})

t.test('the successor is named only after everything is drained', async (t) => {
  const transfer = begun()
  transfer.drained()
  t.notOk(transfer.isDrained, 'the question was not asked yet')
  transfer.held(two)
  transfer.maybeDrain([two])
  t.notOk(transfer.isDrained)
  transfer.drained()
  t.ok(transfer.isDrained)
  t.notOk(transfer.isHanding)
  transfer.hand()
  t.ok(transfer.isHanding)
})
