// An image of a cluster, for tests: topic `goals` has one partition, with replicas on brokers 2, 3
// and 1.

import { ClusterImage } from '../../../src/broker/cluster/cluster-image.ts'
import {
  type LogCondition,
  type ReplicaStatus,
  reportName,
} from '../../../src/broker/cluster/replica-status.ts'
import type { PartitionState } from '../../../src/broker/partition/partition-state.ts'
import type { BrokerId, DirectoryId } from '../../../src/protocol/mq/messages.ts'
import { ids, life, members } from '../partition/members.ts'

export const topicId = 'x'

/** Broker N registered at N × 10, unless another epoch is given. */
export function image(
  alive: number[],
  state?: Partial<PartitionState>,
  epochs: Record<number, number> = {},
): ClusterImage {
  const made = new ClusterImage()
  for (const id of ids(...alive)) {
    const epoch = epochs[id] ?? id * 10
    const directory = `d${id}` as DirectoryId
    made.setBroker({ id, host: 'h', port: 1, directory, epoch, session: id * 100 })
  }
  made.setTopic('goals', { topicId, replicas: [ids(2, 3, 1)] })
  if (state !== undefined) {
    made.setState('goals', 0, {
      leader: 2 as BrokerId,
      leaderEpoch: 4,
      controllerEpoch: 1,
      isr: members(1, 2, 3),
      eligible: [],
      committed: 0,
      uncleanEpoch: -1,
      version: 9,
      ...state,
    })
  }
  return made
}

/** The same, and these brokers report in their current life that they cannot use their replica. */
export function unavailable(made: ClusterImage, brokers: number[], session?: number): ClusterImage {
  for (const broker of ids(...brokers)) {
    made.setReport(reportName({ topicId, partition: 0, broker }), {
      status: { type: 'unavailable', reason: 'EMFILE', lastEpoch: 4, highWatermark: 5 },
      session: session ?? broker * 100,
    })
  }
  return made
}

interface Said {
  type?: LogCondition
  brokerEpoch?: number
  stateVersion?: number
  end?: number
  highWatermark?: number
}

/** The same, with these reports on logs. */
export function reporting(made: ClusterImage, reports: Record<number, Said>): ClusterImage {
  for (const [name, said] of Object.entries(reports)) {
    const broker = Number(name) as BrokerId
    const { directory, brokerEpoch } = life(broker)
    const log = { type: 'whole', stateVersion: 9, lastEpoch: 4, end: 10, highWatermark: 0 } as const
    const { brokerEpoch: epoch = brokerEpoch, ...rest } = said
    const status: ReplicaStatus = { ...log, ...rest, life: { directory, brokerEpoch: epoch } }
    const session = broker * 100
    made.setReport(reportName({ topicId, partition: 0, broker }), { status, session })
  }
  return made
}

export function withBadState(made: ClusterImage): ClusterImage {
  made.setBadState('goals', 0)
  return made
}
