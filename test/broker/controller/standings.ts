// Replicas of returning brokers, for tests of elections by reports: broker N registered at N × 100
// with directory `d<N>`, and the ISR names their earlier lives.

import type {
  LogCondition,
  ReplicaStatus,
  Standing,
} from '../../../src/broker/cluster/replica-status.ts'
import type { PartitionState } from '../../../src/broker/partition/partition-state.ts'
import { type BrokerId, noBroker } from '../../../src/protocol/mq/messages.ts'
import { life, members } from '../partition/members.ts'

export const version = 9

/**
 * Broker N returned, registered at N × 100, and reports on its log, which ends at 10 in epoch 4.
 */
export function log(
  broker: number,
  said: Partial<{
    type: LogCondition
    end: number
    lastEpoch: number
    highWatermark: number
    stateVersion: number
    brokerEpoch: number
    directory: string
  }> = {},
): Standing {
  const { type = 'whole', end = 10, lastEpoch = 4, highWatermark = 0 } = said
  const { directory = `d${broker}`, stateVersion = version } = said
  const present = life(broker, { epoch: broker * 100, directory })
  const { brokerEpoch = present.brokerEpoch } = said
  const reported = { ...present, brokerEpoch }
  return {
    broker: broker as BrokerId,
    life: present,
    status: { type, life: reported, stateVersion, lastEpoch, end, highWatermark },
  }
}

export const away = (broker: number): Standing => {
  return { broker: broker as BrokerId, life: undefined, status: undefined }
}

export function silent(broker: number): Standing {
  return { ...log(broker), status: undefined }
}

export function damaged(broker: number, known: Partial<ReplicaStatus> = {}): Standing {
  const status = { type: 'damaged', reason: '', lastEpoch: 4, highWatermark: 0, ...known } as const
  return { ...log(broker), status: status as ReplicaStatus }
}

export const initial: PartitionState = {
  leader: noBroker,
  leaderEpoch: 5,
  controllerEpoch: 1,
  isr: members(1, 2, 3),
  eligible: [],
  committed: 0,
  uncleanEpoch: -1,
  version,
}
