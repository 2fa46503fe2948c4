import t from 'tap'
import type { Standing } from '../../../src/broker/cluster/replica-status.ts'
import { recoveredState, recoveryChoices } from '../../../src/broker/controller/recovery-choices.ts'
import { electByReports } from '../../../src/broker/controller/recovery-election.ts'
import type { PartitionState } from '../../../src/broker/partition/partition-state.ts'
import type { BrokerId } from '../../../src/protocol/mq/messages.ts'
import { member, members } from '../partition/members.ts'
import { away, damaged, initial, log } from './standings.ts'

interface Case {
  readonly name: string
  readonly state?: Partial<PartitionState>
  readonly standings: readonly Standing[]
  /** by broker */
  readonly loses: readonly (number | undefined)[]
}

const cases: Case[] = [
  {
    name: 'with a member’s whole log nothing is lost, whatever others have',
    standings: [log(1), away(2), away(3)],
    loses: [0, undefined, undefined],
  },
  {
    name: 'nor with the whole log of an eligible replica',
    state: { isr: members(2), eligible: members(1) },
    standings: [log(1), away(2), away(3)],
    loses: [0, undefined, undefined],
  },
  {
    name: 'with a cut tail the loss is unknown while a member is away',
    standings: [log(1, { type: 'tail-cut' }), away(2), log(3, { type: 'tail-cut', end: 8 })],
    loses: [undefined, undefined, undefined],
  },
  {
    name: 'or damaged',
    standings: [log(1, { type: 'tail-cut' }), damaged(2), damaged(3)],
    loses: [undefined, undefined, undefined],
  },
  {
    name: 'or without its disk',
    standings: [log(1, { type: 'tail-cut' }), log(2, { directory: 'new' }), away(3)],
    state: { isr: members(1, 2) },
    loses: [undefined, undefined, undefined],
  },
  {
    name: 'or when every tail was cut: each may have held what no other log has',
    standings: [
      log(1, { type: 'tail-cut' }),
      log(2, { type: 'tail-cut', end: 13 }),
      log(3, { type: 'tail-cut', end: 8 }),
    ],
    loses: [undefined, undefined, undefined],
  },
  {
    name: 'with a whole log reported it is the lead of the longest log',
    standings: [
      log(1, { type: 'tail-cut' }),
      log(2, { type: 'tail-cut', end: 13 }),
      log(3, { end: 8 }),
    ],
    loses: [3, 0, 0],
  },
  {
    name: 'a whole log has every committed record that lost disks had',
    state: { isr: members(1, 2), eligible: members(3) },
    standings: [log(1, { type: 'incomplete', lastEpoch: -1, end: 0 }), damaged(2), log(3)],
    loses: [10, undefined, 0],
  },
  {
    name: 'a leader in office may have committed more than was reported',
    state: { leader: 2 as BrokerId },
    standings: [log(1, { type: 'tail-cut' }), log(2), away(3)],
    loses: [undefined, 0, undefined],
  },
  {
    name: 'the loss of a member is not known from replicas that were not in sync',
    state: { isr: members(1) },
    standings: [log(1), log(2, { end: 14, highWatermark: 12 }), away(3)],
    loses: [undefined, undefined, undefined],
  },
  {
    name: 'nor from a partly fetched log when the logs of all members are lost',
    state: { isr: members(1, 2) },
    standings: [
      log(1, { type: 'incomplete', lastEpoch: -1, end: 0, highWatermark: 7 }),
      log(2, { type: 'incomplete', lastEpoch: -1, end: 0, highWatermark: 7 }),
      log(3, { type: 'incomplete', end: 17, highWatermark: 7 }),
    ],
    loses: [undefined, undefined, undefined],
  },
  {
    name: 'nor from the high watermarks of damaged logs',
    state: { isr: members(1) },
    standings: [
      log(1, { type: 'incomplete', lastEpoch: -1, end: 0, highWatermark: 17 }),
      damaged(2, { highWatermark: 17 }),
      damaged(3, { highWatermark: 14 }),
    ],
    loses: [undefined, undefined, undefined],
  },
  {
    name: 'logs of different epochs may differ from the high watermark on',
    state: { isr: members(1, 2) },
    standings: [
      log(1, { type: 'tail-cut', lastEpoch: 5, end: 9, highWatermark: 6 }),
      log(2, { lastEpoch: 4, end: 12 }),
      away(3),
    ],
    loses: [6, 0, undefined],
  },
  {
    name: 'a replica that left the ISR may have uncommitted records from its own high watermark on',
    state: { isr: members(1) },
    standings: [
      log(1, { lastEpoch: 5, end: 12, highWatermark: 10 }),
      log(2, { end: 11, highWatermark: 6 }),
      log(3, { type: 'incomplete', end: 11, highWatermark: 6 }),
    ],
    loses: [0, 6, 12],
  },
  {
    name: 'its high watermark is void after an unclean election',
    state: { isr: members(1), uncleanEpoch: 5 },
    standings: [
      log(1, { lastEpoch: 5, end: 12, highWatermark: 10 }),
      log(2, { end: 11, highWatermark: 6 }),
      away(3),
    ],
    loses: [0, 12, undefined],
  },
  {
    name: 'a log whose directory was lost may lack all that others have',
    standings: [log(1, { type: 'incomplete', lastEpoch: -1, end: 0 }), log(2), log(3)],
    loses: [10, 0, 0],
  },
]

for (const { name, state, standings, loses } of cases) {
  t.test(`recoveryChoices: ${name}`, async (t) => {
    const { choices } = recoveryChoices({ ...initial, ...state }, standings)
    t.same(
      choices.map(({ losesAtMost }) => losesAtMost),
      loses,
    )
  })
}

t.test('a replica that cannot be chosen is refused with the reason', async (t) => {
  const standings = [damaged(1), away(2), log(3, { stateVersion: 1 })]
  const { choices, version } = recoveryChoices(initial, standings)
  t.equal(version, initial.version)
  t.match(choices, [
    { condition: 'damaged', mayLead: false },
    { condition: 'away', mayLead: false, end: undefined },
    { mayLead: false, end: undefined },
  ])
  for (const leader of [1, 2, 3, 4] as BrokerId[]) {
    const found = recoveredState(initial, standings, { leader, minInsyncReplicas: 2 })
    t.match(found, new RegExp(`broker ${leader} `))
  }
})

const one = { leader: 1 as BrokerId, minInsyncReplicas: 2 }

t.test('a choice that loses nothing keeps the high watermarks of others binding', async (t) => {
  const standings = [log(1), away(2), away(3)]
  t.match(recoveredState({ ...initial, committed: 4 }, standings, one), {
    leader: 1,
    leaderEpoch: 6,
    isr: [member(1, { epoch: 100 })],
    eligible: members(2, 3),
    committed: 4,
    uncleanEpoch: -1,
    version: initial.version,
  })
})

t.test('a choice that may lose records voids the high watermarks of others', async (t) => {
  const cut = log(1, { type: 'tail-cut' })
  const standings = [cut, damaged(2, { highWatermark: 12 }), away(3)]
  const state = recoveredState({ ...initial, committed: 12 }, standings, one)
  if (typeof state === 'string') throw new Error(state)
  t.match(state, { leader: 1, leaderEpoch: 6, committed: 0, uncleanEpoch: 6, eligible: [] })
  // The damaged log's high watermark does not block the next election by reports.
  const next = { ...state, leader: -1 as BrokerId, version: 20 }
  const again = [
    log(1, { stateVersion: 20, lastEpoch: 6, end: 11 }),
    damaged(2, { lastEpoch: 4, highWatermark: 12 }),
    away(3),
  ]
  const input = { state: next, standings: again, minInsyncReplicas: 2, isTimeUp: false }
  t.match(electByReports(input), { type: 'elect', state: { leader: 1 } })
})
