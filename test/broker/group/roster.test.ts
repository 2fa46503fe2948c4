// Who belongs to a group, and who may join it. Generations are in group.test.ts.

import t from 'tap'
import type { JoinRequest, Member } from '../../../src/broker/group/group-members.ts'
import { Roster, type RosterRules } from '../../../src/broker/group/roster.ts'

const rules: RosterRules = {
  sessionTimeoutMsMin: 100,
  sessionTimeoutMsMax: 1000,
  membersMax: 2,
  bytesMax: 100,
}

function request(more: Partial<JoinRequest> = {}): JoinRequest {
  return {
    memberId: '',
    newMemberId: 'new',
    mustKnowId: false,
    maySkipAssignment: false,
    instanceId: null,
    clientId: 'c',
    clientHost: 'h',
    sessionTimeoutMs: 100,
    rebalanceTimeoutMs: 100,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.alloc(10) }],
    ...more,
  }
}

function member(id: string, more: Partial<JoinRequest> = {}): Member<string, string> {
  const made = request({ memberId: id, ...more })
  return {
    id,
    instanceId: made.instanceId,
    request: made,
    assignment: Buffer.alloc(0),
    generation: 1,
    joining: undefined,
    syncing: undefined,
    owesSync: false,
    expiresAtMs: 500,
  }
}

/** A dynamic member `a`, and a static one, `b`, of instance `i`. */
function full() {
  const roster = new Roster<string, string>(rules)
  roster.add(member('a'))
  roster.add(member('b', { instanceId: 'i', rebalanceTimeoutMs: 700 }))
  return roster
}

const claims = [
  { name: 'a member', memberId: 'a', instanceId: null, want: undefined },
  { name: 'a stranger', memberId: 'x', instanceId: null, want: 'UNKNOWN_MEMBER_ID' },
  { name: 'a static member', memberId: 'b', instanceId: 'i', want: undefined },
  {
    name: 'the id of another instance',
    memberId: 'a',
    instanceId: 'i',
    want: 'FENCED_INSTANCE_ID',
  },
  { name: 'an unknown instance', memberId: 'b', instanceId: 'j', want: 'UNKNOWN_MEMBER_ID' },
]
for (const { name, want, ...claim } of claims) {
  t.test(`a claim of ${name}: ${want ?? 'is right'}`, async (t) => {
    t.equal(full().check(claim), want)
  })
}

const joins = [
  { name: 'a member again', more: { memberId: 'a' }, want: undefined },
  { name: 'a returning static member', more: { instanceId: 'i' }, want: undefined },
  { name: 'one member too many', more: {}, want: 'GROUP_MAX_SIZE_REACHED' },
  { name: 'a stranger', more: { memberId: 'x' }, want: 'UNKNOWN_MEMBER_ID' },
  {
    name: 'a session that is too short',
    more: { memberId: 'a', sessionTimeoutMs: 99 },
    want: 'INVALID_SESSION_TIMEOUT',
  },
  {
    name: 'no assignor in common',
    more: { memberId: 'a', protocols: [{ name: 'sticky', metadata: Buffer.alloc(0) }] },
    want: 'INCONSISTENT_GROUP_PROTOCOL',
  },
  {
    name: 'too much metadata',
    more: { memberId: 'a', protocols: [{ name: 'range', metadata: Buffer.alloc(90) }] },
    want: 'GROUP_MAX_SIZE_REACHED',
  },
]
for (const { name, more, want } of joins) {
  t.test(`a join of ${name}: ${want ?? 'is let in'}`, async (t) => {
    t.equal(full().checkJoin(request(more)), want)
  })
}

t.test('an assigned id counts as a member until it is used or expires', async (t) => {
  const roster = new Roster<string, string>(rules)
  roster.add(member('a'))
  roster.promise('p', 300)
  t.equal(roster.checkJoin(request()), 'GROUP_MAX_SIZE_REACHED')
  t.equal(roster.checkJoin(request({ memberId: 'p' })), undefined, 'it is let in by its id')
  t.equal(roster.deadlineMs, 300)
  roster.expirePromised(299)
  t.ok(roster.hasPromised)
  roster.expirePromised(300)
  t.notOk(roster.hasPromised)
  t.equal(roster.checkJoin(request()), undefined)
})

t.test('a static member is known by its instance until it is removed', async (t) => {
  const roster = full()
  const claim = { memberId: '', instanceId: 'i' }
  t.equal(roster.idThatLeaves(claim), 'b')
  t.equal(roster.memberThatJoins(request({ instanceId: 'i' }))?.id, 'b')
  const [, b] = roster.members
  if (b !== undefined) roster.remove(b)
  t.equal(roster.idThatLeaves(claim), '')
  t.equal(roster.memberThatJoins(request({ instanceId: 'i' })), undefined)
  t.equal(roster.idThatLeaves({ memberId: 'a', instanceId: null }), 'a')
})

t.test('time: the longest rebalance counts, and no session that waits', async (t) => {
  const roster = full()
  t.equal(roster.rebalanceTimeoutMs, 700)
  t.equal(roster.deadlineMs, 500)
  for (const one of roster.members) one.joining = 'waits'
  t.equal(roster.deadlineMs, Number.POSITIVE_INFINITY)
})
