import t from 'tap'
import type { ClusterImage } from '../../../src/broker/cluster/cluster-image.ts'
import { reassigned } from '../../../src/broker/cluster/topic-assignment.ts'
import { Controller } from '../../../src/broker/controller/controller.ts'
import type { PartitionState } from '../../../src/broker/partition/partition-state.ts'
import { type BrokerId, noBroker } from '../../../src/protocol/mq/messages.ts'
import { image, unavailable } from '../cluster/sample-image.ts'
import { ids, member, members } from '../partition/members.ts'

const controllerEpoch = 7

/** `goals`, with replicas on 2, 3 and 1 and min.insync.replicas 2, is to have these one after another. */
function moving(
  { alive, state, epochs }: Case,
  ...targets: readonly (readonly number[])[]
): ClusterImage {
  const made = image(alive, state, epochs)
  const found = made.topics.get('goals')
  if (found === undefined) throw new Error('there is no topic')
  const wanted = targets.reduce(
    (sofar, target) => reassigned(sofar, 0, ids(...target)),
    found.assignment,
  )
  made.setTopic('goals', wanted, 3)
  return made
}

interface Case {
  readonly alive: number[]
  readonly state: Partial<PartitionState>
  readonly epochs?: Record<number, number>
}

const all = [1, 2, 3, 4, 5, 6]

const cases = [
  {
    name: 'while a new replica is not in sync, nothing changes',
    image: moving({ alive: all, state: { isr: members(1, 2, 3) } }, [2, 4, 5]),
    want: undefined,
  },
  {
    name: 'nor while one of them is not',
    image: moving({ alive: all, state: { isr: members(1, 2, 3, 4) } }, [2, 4, 5]),
    want: undefined,
  },
  {
    name: 'once all of the target are in sync, the others leave, and the leader stays if it may',
    image: moving({ alive: all, state: { isr: members(1, 2, 3, 4, 5) } }, [2, 4, 5]),
    want: { leader: 2, leaderEpoch: 4, isr: members(2, 4, 5), version: 9 },
  },
  {
    name: 'a leader that has to leave is followed by the first of the target',
    image: moving({ alive: all, state: { isr: members(1, 2, 3, 4, 5) } }, [5, 4, 1]),
    want: { leader: 5, leaderEpoch: 5, isr: members(1, 4, 5), version: 9 },
  },
  {
    name: 'or by another one of them, if that broker is about to stop',
    image: leaving(moving({ alive: all, state: { isr: members(1, 2, 3, 4, 5) } }, [5, 4, 1]), 5),
    want: { leader: 4, leaderEpoch: 5 },
  },
  {
    name: 'even one that is about to stop, if all of them are',
    image: leaving(moving({ alive: all, state: { isr: members(1, 2, 3, 5) } }, [5]), 5),
    want: { leader: 5, leaderEpoch: 5, isr: members(5) },
  },
  {
    name: 'a member of the target whose life is over is not in sync: it leaves first',
    image: moving(
      { alive: all, state: { isr: members(1, 2, 3, 4, 5) }, epochs: { 5: 99 } },
      [2, 4, 5],
    ),
    want: { leader: 2, leaderEpoch: 4, isr: members(1, 2, 3, 4), version: 9, isState: true },
  },
  {
    name: 'an awaited member of the target is not in sync',
    image: moving(
      { alive: all, state: { isr: [...members(2, 4), member(5, { isAwaited: true })] } },
      [2, 4, 5],
    ),
    want: undefined,
  },
  {
    name: 'without a leader nothing is settled',
    image: moving({ alive: [], state: { leader: noBroker, isr: members(4, 5, 6) } }, [4, 5, 6]),
    want: undefined,
  },
  {
    name: 'fewer replicas: the rest has to be in sync',
    image: moving({ alive: all, state: { isr: members(1, 2) } }, [2, 3]),
    want: undefined,
  },
  {
    name: 'then the others leave',
    image: moving({ alive: all, state: { isr: members(1, 2, 3) } }, [2, 3]),
    want: { leader: 2, leaderEpoch: 4, isr: members(2, 3), version: 9 },
  },
  {
    name: 'a cancelled one goes back at once, although not all of the original ones are in sync',
    image: moving({ alive: all, state: { isr: members(2, 3, 4) } }, [4, 5, 6], [2, 3, 1]),
    want: { leader: 2, leaderEpoch: 4, isr: members(2, 3), version: 9 },
  },
  {
    name: 'and gives leadership back',
    image: moving(
      { alive: all, state: { leader: 4 as BrokerId, isr: members(1, 3, 4) } },
      [4, 5, 6],
      [2, 3, 1],
    ),
    want: { leader: 3, leaderEpoch: 5, isr: members(1, 3), version: 9 },
  },
  {
    name: 'but waits if committed records would be on fewer disks than min.insync.replicas',
    image: moving({ alive: [2, 4, 5], state: { isr: members(2, 4) } }, [4, 5, 6], [2, 3, 1]),
    want: undefined,
  },
  {
    name: 'unless it loses no member of the ISR',
    image: moving({ alive: [2, 4, 5], state: { isr: members(2) } }, [4, 5, 6], [2, 3, 1]),
    want: { leader: 2, leaderEpoch: 4, isr: members(2), version: 9 },
  },
  {
    name: 'nor an eligible replica, which may be the last to have the records',
    image: moving(
      { alive: [2, 4, 5], state: { isr: members(2), eligible: members(4) } },
      [4, 5, 6],
      [2, 3, 1],
    ),
    want: undefined,
  },
  {
    name: 'and while none of the original ones can lead, all stays',
    image: moving(
      { alive: [4, 5], state: { leader: 4 as BrokerId, isr: members(4, 5) } },
      [4, 5, 6],
      [2, 3, 1],
    ),
    want: undefined,
  },
  {
    name: 'a target that cannot use its replica is not in sync',
    image: unavailable(moving({ alive: all, state: { isr: members(1, 2, 3, 4) } }, [2, 4]), [4]),
    want: { isr: members(1, 2, 3), isState: true },
  },
]
for (const { name, image: made, want } of cases) {
  t.test(`a reassignment: ${name}`, async (t) => {
    const controller = new Controller({ epoch: controllerEpoch, recoveryWaitMs: 100 })
    const { writes, topicWrites } = controller.step(made, 0)
    if (want === undefined) {
      t.same(writes, [])
      t.same(topicWrites, [])
      return
    }
    const { isState = false, ...state } = want
    if (isState) {
      t.match(writes, [{ topic: 'goals', partition: 0, state }])
      t.same(topicWrites, [])
      return
    }
    t.same(writes, [])
    t.match(topicWrites, [{ topic: 'goals', version: 3, states: [{ partition: 0, state }] }])
    const [write] = topicWrites
    t.equal(write?.states[0]?.state.controllerEpoch, controllerEpoch)
    const [target] = write?.assignment.replicas ?? []
    t.same(target, made.topics.get('goals')?.assignment.moves?.get(0)?.target)
    t.ok(write?.states[0]?.state.isr.every(({ broker }) => target?.includes(broker)))
    t.equal(write?.assignment.moves?.size, 0)
  })
}

function leaving(made: ClusterImage, ...brokers: number[]): ClusterImage {
  for (const id of ids(...brokers)) {
    const known = made.brokers.get(id)
    if (known !== undefined) made.setBroker({ ...known, isLeaving: true })
  }
  return made
}

t.test('partitions of one topic that are settled together are one write', async (t) => {
  const made = image(all)
  const topic = { topicId: 'x', replicas: [ids(1), ids(2), ids(3)] }
  made.setTopic('goals', reassigned(reassigned(topic, 0, ids(4)), 2, ids(5)), 8)
  const state = {
    leaderEpoch: 4,
    controllerEpoch: 1,
    eligible: [],
    committed: 0,
    uncleanEpoch: -1,
    version: 9,
  }
  for (const [partition, isr] of [members(1, 4), members(2), members(3, 5)].entries()) {
    const leader = (partition + 1) as BrokerId
    made.setState('goals', partition, { ...state, leader, isr })
  }
  const controller = new Controller({ epoch: controllerEpoch, recoveryWaitMs: 100 })
  const { topicWrites } = controller.step(made, 0)
  t.equal(topicWrites.length, 1)
  t.same(topicWrites[0]?.assignment.replicas, [[4], [2], [5]])
  t.match(topicWrites[0]?.states, [{ partition: 0 }, { partition: 2 }])
  t.same(
    [...(topicWrites[0]?.assignment.leftovers ?? [])],
    [
      [0, [1]],
      [2, [3]],
    ],
  )
})
