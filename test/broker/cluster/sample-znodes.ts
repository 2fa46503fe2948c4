// Znodes as a cluster has them, for tests: brokers with directory `d<N>`, and the one partition of
// topic `goals`, with replicas on brokers 1, 2 and 3.

import {
  encodeReport,
  type LogCondition,
  reportName,
} from '../../../src/broker/cluster/replica-status.ts'
import {
  decodeState,
  encodeController,
  encodeState,
  encodeTopic,
  zkPaths,
} from '../../../src/broker/cluster/zk-paths.ts'
import type { PartitionState } from '../../../src/broker/partition/partition-state.ts'
import type { BrokerId, DirectoryId } from '../../../src/protocol/mq/messages.ts'
import { encodeRegistration } from '../../../src/protocol/mq/registration.ts'
import type { MemoryTree } from '../memory-zk.ts'
import { ids, members } from '../partition/members.ts'

export const topicId = 'x'
export const statePath = zkPaths.state('goals', 0)

export const sampleState: PartitionState = {
  leader: 2 as BrokerId,
  leaderEpoch: 4,
  controllerEpoch: 1,
  isr: members(1, 2, 3),
  eligible: [],
  committed: 0,
  uncleanEpoch: -1,
  version: 0,
}

export function putBroker(tree: MemoryTree, broker: number, owner = broker): void {
  const registration = { host: 'h', port: 9092, directory: `d${broker}` as DirectoryId }
  tree.put(zkPaths.brokerId(broker as BrokerId), encodeRegistration(registration, 0), owner)
}

export function putTopic(tree: MemoryTree, ...replicas: number[]): void {
  tree.put(zkPaths.topic('goals'), encodeTopic({ topicId, replicas: [ids(...replicas)] }))
  if (tree.stat(statePath) !== undefined) return
  tree.put(zkPaths.partitions('goals'), '')
  tree.put(zkPaths.partition('goals', 0), '')
}

export function putState(tree: MemoryTree, changed: Partial<PartitionState> = {}): void {
  tree.put(statePath, encodeState({ ...sampleState, ...changed }))
}

/** In the format of the znode. */
export function stateIn(tree: MemoryTree): PartitionState | undefined {
  const text = tree.text(statePath)
  if (text === undefined) return undefined
  return decodeState(Buffer.from(text), tree.stat(statePath)?.version ?? 0)
}

export function putController(tree: MemoryTree, broker: number, owner: number): void {
  tree.put(zkPaths.controller, encodeController(broker as BrokerId, 0), owner)
}

/** Broker N cannot use its replica. @returns the name of the znode */
export function putReport(tree: MemoryTree, broker: number, owner = broker): string {
  const name = reportName({ topicId, partition: 0, broker: broker as BrokerId })
  const status = { type: 'unavailable', reason: 'EMFILE', lastEpoch: 4, highWatermark: 5 } as const
  const text = encodeReport({ topic: 'goals', topicId, partition: 0, status })
  tree.put(`${zkPaths.reports}/${name}`, text, owner)
  return name
}

/** Broker N reports this on its log, in its current life and for the current state. */
export function putLogReport(
  tree: MemoryTree,
  broker: number,
  said: { readonly type?: LogCondition; readonly end?: number } = {},
): void {
  const { type = 'whole', end = 10 } = said
  const directory = `d${broker}` as DirectoryId
  const id = broker as BrokerId
  const brokerEpoch = tree.stat(zkPaths.brokerId(id))?.czxid ?? 0
  const stateVersion = tree.stat(statePath)?.version ?? 0
  const life = { directory, brokerEpoch }
  const status = { type, life, stateVersion, lastEpoch: 4, end, highWatermark: 0 }
  const text = encodeReport({ topic: 'goals', topicId, partition: 0, status })
  tree.put(zkPaths.report({ topicId, partition: 0, broker: id }), text, broker)
}
