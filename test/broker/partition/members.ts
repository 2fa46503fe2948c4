// Entries of an ISR for tests: broker N has directory `d<N>` and registered at N × 10, unless said
// otherwise.

import type { Member } from '../../../src/broker/partition/partition-state.ts'
import type { BrokerId, DirectoryId, Life } from '../../../src/protocol/mq/messages.ts'

export const ids = (...numbers: number[]) => numbers as BrokerId[]

export function life(broker: number, changed: Partial<{ directory: string; epoch: number }> = {}) {
  const directory = (changed.directory ?? `d${broker}`) as DirectoryId
  return { directory, brokerEpoch: changed.epoch ?? broker * 10 } satisfies Life
}

export function member(
  broker: number,
  changed: Partial<{ directory: string; epoch: number; isAwaited: boolean }> = {},
): Member {
  return {
    broker: broker as BrokerId,
    ...life(broker, changed),
    isAwaited: changed.isAwaited ?? false,
  }
}

export const members = (...brokers: number[]) => brokers.map((broker) => member(broker))
