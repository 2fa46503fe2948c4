import { strict as assert } from 'node:assert'
import t from 'tap'
import type { Standing } from '../../../src/broker/cluster/replica-status.ts'
import {
  electByReports,
  type RecoveryInput,
} from '../../../src/broker/controller/recovery-election.ts'
import {
  brokersOf,
  type Member,
  type PartitionState,
} from '../../../src/broker/partition/partition-state.ts'
import { Random } from '../../../src/random.ts'
import { member, members } from '../partition/members.ts'
import { away, damaged, initial, log, silent, version } from './standings.ts'

interface Case {
  readonly name: string
  readonly state?: Partial<PartitionState>
  readonly standings: readonly Standing[]
  readonly isTimeUp?: boolean
  /** the leader, or the verdict without one */
  readonly want: number | 'await all' | 'wait'
  readonly isr?: readonly Member[]
  readonly eligible?: readonly number[]
}

const cases: Case[] = [
  {
    name: 'no broker has returned',
    standings: [away(1), away(2), away(3)],
    isTimeUp: true,
    want: 'wait',
  },
  { name: 'one log waits', standings: [log(1), away(2), silent(3)], want: 'await all' },
  {
    name: 'one whole log leads at the deadline, and the others stay in the ISR',
    standings: [log(1), away(2), silent(3)],
    isTimeUp: true,
    want: 1,
    isr: [
      member(1, { epoch: 100 }),
      member(2, { isAwaited: true }),
      member(3, { isAwaited: true }),
    ],
  },
  {
    name: 'all logs: the longest leads before the deadline',
    standings: [log(1), log(2, { end: 12 }), log(3, { end: 11 })],
    want: 2,
  },
  {
    name: 'a later epoch of the last record beats more records',
    standings: [log(1, { end: 20 }), log(2, { lastEpoch: 5, end: 12 }), log(3)],
    want: 2,
  },
  {
    name: 'but not if committed records are missing, whatever the epoch',
    standings: [log(1, { end: 20, highWatermark: 15 }), log(2, { lastEpoch: 5, end: 12 }), log(3)],
    want: 1,
    isr: [member(1, { epoch: 100 })],
    eligible: [],
  },
  {
    name: 'a damaged log’s high watermark excludes shorter logs',
    standings: [damaged(1, { highWatermark: 11 }), log(2), log(3)],
    isTimeUp: true,
    want: 'wait',
  },
  {
    name: 'and so does that of a replica that is not a member',
    state: { isr: members(2, 3) },
    standings: [log(1, { highWatermark: 11, end: 11 }), log(2), log(3)],
    isTimeUp: true,
    want: 'wait',
  },
  {
    name: 'and so does that in the state',
    state: { committed: 11 },
    standings: [log(1), log(2, { end: 11 }), log(3)],
    want: 2,
  },
  {
    name: 'but not one from before an operator’s choice',
    state: { uncleanEpoch: 5 },
    standings: [damaged(1, { highWatermark: 11 }), log(2), log(3)],
    want: 2,
  },
  {
    name: 'the election does not wait for a damaged log',
    standings: [damaged(1), log(2), log(3)],
    want: 2,
    isr: [member(2, { epoch: 200 }), member(3, { isAwaited: true })],
  },
  {
    name: 'nor for a wiped disk, which has another identity',
    standings: [log(1, { directory: 'new', end: 0 }), log(2), log(3)],
    want: 2,
    isr: [member(2, { epoch: 200 }), member(3, { isAwaited: true })],
  },
  {
    name: 'a wiped disk does not lead, even alone',
    standings: [log(1, { directory: 'new', end: 0 }), away(2), away(3)],
    isTimeUp: true,
    want: 'wait',
  },
  {
    name: 'a replica whose directory was lost does not lead',
    standings: [log(1, { type: 'incomplete', end: 50 }), away(2), away(3)],
    isTimeUp: true,
    want: 'wait',
  },
  {
    name: 'the election waits for a replica that is unavailable for now',
    standings: [
      { ...damaged(1), status: { ...damaged(1).status, type: 'unavailable' } as never },
      log(2),
      log(3),
    ],
    want: 'await all',
  },
  {
    name: 'a report from an earlier life does not count',
    standings: [log(1, { brokerEpoch: 50, end: 20 }), log(2), log(3)],
    want: 'await all',
  },
  {
    name: 'a report about another version does not count',
    standings: [log(1, { stateVersion: 8, end: 20 }), log(2), log(3)],
    isTimeUp: true,
    want: 2,
  },
  {
    name: 'a log whose tail was cut does not lead alone',
    standings: [log(1, { type: 'tail-cut' }), away(2), away(3)],
    isTimeUp: true,
    want: 'wait',
  },
  {
    name: 'it leads if another log is no longer',
    standings: [log(1, { type: 'tail-cut' }), log(2, { type: 'tail-cut', end: 9 }), away(3)],
    isTimeUp: true,
    want: 1,
  },
  {
    name: 'a whole log of the same length is preferred',
    standings: [log(1, { type: 'tail-cut' }), log(2), away(3)],
    isTimeUp: true,
    want: 2,
  },
  {
    name: 'it leads alone if no other disk was in sync',
    state: { isr: members(1) },
    standings: [log(1, { type: 'tail-cut' }), away(2), away(3)],
    want: 1,
  },
  {
    name: 'it also waits for an eligible replica, which has everything committed',
    state: { isr: members(1), eligible: members(2) },
    standings: [log(1, { type: 'tail-cut' }), away(2), away(3)],
    isTimeUp: true,
    want: 'wait',
  },
  {
    name: 'which leads if its log is longer',
    state: { isr: members(1), eligible: members(2) },
    standings: [log(1, { type: 'tail-cut' }), log(2, { end: 11 }), away(3)],
    want: 2,
    isr: [member(1, { isAwaited: true }), member(2, { epoch: 200 })],
  },
  {
    name: 'a whole log of the ISR waits for eligible ones too: it may lack records without knowing it',
    state: { isr: members(1), eligible: members(2, 3) },
    standings: [log(1, { end: 9 }), log(2), away(3)],
    want: 'await all',
  },
  {
    name: 'and the longest of all leads',
    state: { isr: members(1), eligible: members(2, 3) },
    standings: [log(1, { end: 9 }), log(2), away(3)],
    isTimeUp: true,
    want: 2,
    isr: [member(1, { isAwaited: true }), member(2, { epoch: 200 })],
  },
  {
    name: 'it does not lead if the others are damaged: an operator decides',
    standings: [log(1, { type: 'tail-cut' }), damaged(2), damaged(3)],
    isTimeUp: true,
    want: 'wait',
  },
  {
    name: 'eligible replicas wait while a disk of the ISR may return',
    state: { isr: members(1), eligible: members(2, 3) },
    standings: [away(1), log(2), log(3)],
    isTimeUp: true,
    want: 'wait',
  },
  {
    name: 'they lead by the same rules when none is left',
    state: { isr: members(1), eligible: members(2, 3) },
    standings: [damaged(1), log(2), log(3, { end: 11 })],
    want: 3,
    isr: [member(3, { epoch: 300 })],
    eligible: [2],
  },
  {
    name: 'and wait for one another',
    state: { isr: members(1), eligible: members(2, 3) },
    standings: [log(1, { directory: 'new' }), log(2), away(3)],
    want: 'await all',
  },
  {
    name: 'and lead when the ISR is empty, as its leader lacked committed records',
    state: { isr: [], eligible: members(2), committed: 10 },
    standings: [log(1, { end: 9 }), log(2), away(3)],
    want: 2,
  },
  {
    name: 'a replica that is neither in sync nor eligible does not lead',
    state: { isr: members(1) },
    standings: [damaged(1), log(2), log(3)],
    isTimeUp: true,
    want: 'wait',
  },
  {
    name: 'a member awaited again is treated as the first time',
    state: { isr: [member(1, { isAwaited: true }), member(2)] },
    standings: [log(1, { end: 11 }), log(2), away(3)],
    want: 1,
  },
]

for (const { name, state, standings, isTimeUp = false, want, isr, eligible } of cases) {
  t.test(`electByReports: ${name}`, async (t) => {
    const before = { ...initial, ...state }
    const verdict = electByReports({ state: before, standings, isTimeUp, minInsyncReplicas: 2 })
    if (typeof want === 'string' || verdict.type !== 'elect') {
      t.equal(verdict.type, want)
      return
    }
    const { state: next } = verdict
    t.equal(next.leader, want)
    t.equal(next.leaderEpoch, before.leaderEpoch + 1)
    t.equal(next.version, version, 'on condition that it is still the same')
    if (isr !== undefined) t.same(next.isr, isr)
    if (eligible !== undefined) t.same(brokersOf(next.eligible), eligible)
  })
}

t.test(
  'with any reports, no log leads that lacks records below a reported high watermark',
  async (t) => {
    const random = new Random(7)
    let elections = 0
    for (let i = 0; i < 5000; i++) {
      const standings = [1, 2, 3].map((broker): Standing => {
        if (random.chance(0.2)) return away(broker)
        if (random.chance(0.1)) return damaged(broker, { highWatermark: random.below(8) })
        const type = random.pick(['whole', 'tail-cut', 'incomplete'] as const)
        const end = random.below(8)
        const highWatermark = random.below(end + 1)
        return log(broker, { type, end, highWatermark, lastEpoch: random.below(3) })
      })
      const inSync = [1, 2, 3].filter(() => random.chance(0.6))
      const state = { ...initial, isr: members(...inSync), eligible: [] }
      const input: RecoveryInput = {
        state,
        standings,
        isTimeUp: random.chance(0.5),
        minInsyncReplicas: 2,
      }
      const verdict = electByReports(input)
      if (verdict.type !== 'elect') continue
      elections += 1
      const { leader, isr } = verdict.state
      const floor = Math.max(...standings.map(({ status }) => status?.highWatermark ?? 0))
      const chosen = standings.find(({ broker }) => broker === leader)?.status
      assert.ok(inSync.includes(leader))
      assert.ok(chosen !== undefined && 'end' in chosen && chosen.end >= floor)
      for (const { broker, isAwaited } of isr) assert.equal(isAwaited, broker !== leader)
      for (const { broker, status } of standings) {
        if (status?.type === 'damaged') assert.ok(!brokersOf(isr).includes(broker))
      }
    }
    t.ok(elections > 500)
  },
)
