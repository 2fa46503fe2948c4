import t from 'tap'
import { type ConfigurationState, Configurations } from '../../../src/daemon/zab/configuration.ts'
import { Membership } from '../../../src/daemon/zab/membership.ts'
import { majority } from '../../../src/daemon/zab/quorum.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import { type Zxid, zxidZero } from '../../../src/protocol/zxid.ts'

const ids = (...numbers: number[]) => numbers as ServerId[]
const id = (number: number) => number as ServerId
const at = (zxid: number) => zxid as Zxid
const agree =
  (...voters: number[]) =>
  (voter: ServerId): boolean =>
    voters.includes(voter)

const files: ConfigurationState = {
  last: { version: zxidZero, voters: ids(1, 2, 3), text: 'files' },
  before: undefined,
}
const propose = (...voters: number[]) =>
  ({ type: 'propose', voters: ids(...voters), text: voters.join() }) as const
const activate = { type: 'activate' } as const

function proposed(): Configurations {
  const configurations = new Configurations(files, at(5))
  configurations.append(at(7), propose(3, 4, 5))
  return configurations
}

t.test('a change names what it replaces: a new server has other files', async (t) => {
  const configurations = new Configurations(files, at(5))
  const before = { version: at(4), voters: ids(1, 2), text: 'theirs' }
  configurations.append(at(7), { ...propose(1, 2, 6), before })
  t.same(configurations.membership.voters, [1, 2, 6])
})

const joint = [
  { name: 'both majorities', agrees: [2, 3, 4], want: true },
  { name: 'a server of both counts in both', agrees: [1, 3, 5], want: true },
  { name: 'the majority of the old ones alone', agrees: [1, 2, 3], want: false },
  { name: 'the majority of the new ones alone', agrees: [3, 4, 5], want: false },
]
for (const { name, agrees, want } of joint) {
  t.test(`from the proposal to the activation: ${name}`, async (t) => {
    t.equal(proposed().membership.quorum.has(agree(...agrees)), want)
  })
}

t.test('what both majorities have reached is the smaller of both', async (t) => {
  const { quorum } = new Membership(majority(ids(3, 4, 5)), majority(ids(1, 2, 3)))
  const reached = [0, 9, 8, 7, 3, 2]
  t.equal(
    quorum.reachedBy((voter) => at(reached[voter] ?? 0)),
    3,
  )
  t.ok(quorum.all(agree(1, 2, 3, 4, 5)))
  t.notOk(quorum.all(agree(1, 2, 3, 4)))
})

t.test('after the activation the new majority decides', async (t) => {
  const configurations = proposed()
  t.ok(configurations.isJoint)
  t.same(configurations.membership.voters, ids(1, 2, 3, 4, 5))
  configurations.append(at(9), activate)
  t.notOk(configurations.isJoint)
  t.equal(configurations.since, 9)
  t.same(configurations.membership.voters, ids(3, 4, 5))
  t.match(configurations.state, { last: { version: at(7), text: '3,4,5' }, before: undefined })
})

t.test('a cut of the log takes changes back, one by one', async (t) => {
  const configurations = proposed()
  configurations.append(at(9), activate)
  configurations.truncateAfter(at(8))
  t.ok(configurations.isJoint)
  configurations.truncateAfter(at(6))
  t.equal(configurations.state, files)
})

t.test('until a change is delivered, servers of the earlier configuration stand too', async (t) => {
  const configurations = proposed()
  configurations.append(at(9), activate)
  t.equal(configurations.standingOf(id(1)), 'former')
  t.equal(configurations.standingOf(id(4)), 'voter')
  t.equal(configurations.standingOf(id(6)), 'none')
  configurations.delivered(at(8))
  t.equal(configurations.standingOf(id(1)), 'former', 'the activation may be lost')
  configurations.delivered(at(9))
  t.equal(configurations.standingOf(id(1)), 'none')
})

t.test('a leader that others follow by a configuration not in force here is found', async (t) => {
  const configurations = proposed()
  t.ok(configurations.mayBeQuorum(agree(1, 2)), 'the proposal was lost')
  t.ok(configurations.mayBeQuorum(agree(4, 5)), 'it is active already')
  t.notOk(configurations.mayBeQuorum(agree(1, 4)))
})

t.test('a tree brings its own configuration', async (t) => {
  const configurations = proposed()
  const last = { version: at(8), voters: ids(4), text: '4' }
  configurations.restartAfter(at(20), { last, before: undefined })
  t.same(configurations.membership.voters, ids(4))
  t.equal(configurations.standingOf(id(1)), 'none')
})
