import t from 'tap'
import type { EnsembleRole } from '../../../src/daemon/ensemble/ensemble.ts'
import { roleChange, roleSentence } from '../../../src/daemon/ensemble/role-change.ts'
import type { ZabRole } from '../../../src/daemon/zab/types.ts'
import type { ServerId } from '../../../src/protocol/records.ts'

const leader = 2 as ServerId
const other = 3 as ServerId
const looking = { type: 'looking' } as const
const leading = (epoch: number) => ({ type: 'leading', epoch }) as const
const following = (epoch: number) => ({ type: 'following', epoch, leader }) as const

const cases: {
  name: string
  before: EnsembleRole
  after: ZabRole
  continues?: true
  want: object
}[] = [
  { name: 'elected, without an epoch', before: looking, after: leading(0), want: { type: 'none' } },
  { name: 'joining a leader', before: looking, after: following(0), want: { type: 'none' } },
  { name: 'looking again', before: looking, after: looking, want: { type: 'none' } },
  {
    name: 'the epoch is established',
    ...{ before: looking, after: leading(4), want: { type: 'change', role: leading(4) } },
  },
  {
    name: 'in step with the leader',
    ...{ before: looking, after: following(4), want: { type: 'change', role: following(4) } },
  },
  {
    name: 'the leader is lost',
    ...{ before: following(4), after: looking, want: { type: 'change', role: looking } },
  },
  {
    name: 'the quorum is lost',
    ...{ before: leading(4), after: looking, want: { type: 'change', role: looking } },
  },
  {
    name: "a leader's next epoch",
    ...{ before: leading(4), after: leading(5), want: { type: 'handover', role: leading(5) } },
  },
  {
    name: "the next epoch of a follower's leader",
    ...{
      before: following(4),
      after: following(5),
      want: { type: 'handover', role: following(5) },
    },
  },
  {
    name: 'about to take over',
    ...{ before: following(4), after: leading(0), continues: true, want: { type: 'none' } },
  },
  {
    name: 'about to follow another',
    ...{ before: leading(4), after: following(0), continues: true, want: { type: 'none' } },
  },
  {
    name: 'elected while it does not serve',
    ...{ before: looking, after: leading(0), continues: true, want: { type: 'none' } },
  },
  {
    name: 'took over',
    ...{ before: following(4), after: leading(5), want: { type: 'change', role: leading(5) } },
  },
  {
    name: 'handed over',
    ...{ before: leading(4), after: following(5), want: { type: 'change', role: following(5) } },
  },
  {
    name: 'follows another leader, without having looked',
    before: { type: 'following', epoch: 4, leader: other },
    ...{ after: following(5), want: { type: 'change', role: following(5) } },
  },
]

for (const { name, before, after, continues = false, want } of cases) {
  t.test(`${name}: ${(want as { type: string }).type}`, async (t) => {
    t.same(roleChange(before, after, { continues }), want)
  })
}

t.test('the log distinguishes an epoch that serves from one in preparation', async (t) => {
  const roles = [looking, leading(0), leading(1), following(0), following(1)]
  t.equal(new Set(roles.map(roleSentence)).size, roles.length)
})
