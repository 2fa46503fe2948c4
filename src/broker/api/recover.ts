// recoveryChoices, recover: for a partition that no replica may lead by the rules, an operator sees
// the choices and chooses a leader. Any broker answers; the write is conditional on the version of
// the state that the operator saw.
//
// Next on the path: controller/recovery-choices.ts decides.

import { ZkError } from '../../protocol/error-codes.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { Place } from '../../protocol/mq/messages.ts'
import type {
  RecoverRequest,
  RecoverResponse,
  RecoveryChoicesRequest,
  RecoveryChoicesResponse,
} from '../../protocol/mq/recover.ts'
import type { Standing } from '../cluster/replica-status.ts'
import { encodeState, zkPaths } from '../cluster/zk-paths.ts'
import { recoveredState, recoveryChoices } from '../controller/recovery-choices.ts'
import type { PartitionState } from '../partition/partition-state.ts'
import type { BrokerParts, ServingSession } from './broker-parts.ts'
import { openSession } from './open-session.ts'
import { noPartition } from './pass-on.ts'

export async function showRecovery(
  parts: BrokerParts,
  request: RecoveryChoicesRequest,
): Promise<RecoveryChoicesResponse> {
  const { state, standings } = await readNow(parts, request)
  return { type: 'recoveryChoices', found: recoveryChoices(state, standings) }
}

/** @throws BrokerError INVALID_UPDATE_VERSION if the state has changed since it was shown */
export async function recover(
  parts: BrokerParts,
  request: RecoverRequest,
): Promise<RecoverResponse> {
  const { topic, partition, leader, version } = request
  const { session, state, standings } = await readNow(parts, request)
  const what = `Cannot recover ${topic}/${partition}`
  const changed = () => {
    const found = 'its state has changed since: look at it again'
    return new BrokerError('INVALID_UPDATE_VERSION', `${what}: ${found}`)
  }
  if (state.version !== version) throw changed()
  const minInsyncReplicas = parts.image.configs.minInsyncReplicas(topic, standings.length)
  const wanted = recoveredState(state, standings, { leader, minInsyncReplicas })
  if (typeof wanted === 'string') throw new BrokerError('INVALID_REQUEST', `${what}: ${wanted}`)
  try {
    await session.zk.setData(zkPaths.state(topic, partition), encodeState(wanted), version)
  } catch (error) {
    if (error instanceof ZkError && error.code === 'BADVERSION') throw changed()
    throw error
  }
  const { leaderEpoch, uncleanEpoch } = wanted
  const facts = { topic, partition, leader, leaderEpoch, isUnclean: uncleanEpoch === leaderEpoch }
  parts.log.warn(facts, 'An operator chose the leader of a partition')
  return { type: 'recover', leaderEpoch }
}

interface Found {
  readonly session: ServingSession
  readonly state: PartitionState
  readonly standings: readonly Standing[]
}

/** Reflects every write made before this call. */
async function readNow(parts: BrokerParts, place: Place): Promise<Found> {
  const { topic, partition } = place
  const session = openSession(parts, `look at ${topic}/${partition}`)
  await session.readTopics([topic])
  const { image } = parts
  const assignment = image.topics.get(topic)?.assignment
  const state = image.state(topic, partition)
  const replicas = assignment?.replicas[partition]
  if (assignment === undefined || replicas === undefined) {
    throw noPartition(image, 'recover', place)
  }
  if (state === undefined) {
    const reason = image.problemOf(topic, partition) ?? 'it never had a leader'
    const message = `Cannot recover ${topic}/${partition}: ${reason}`
    throw new BrokerError('INVALID_REQUEST', message)
  }
  const { topicId } = assignment
  const standings = replicas.map((broker) => image.standing({ topicId, partition, broker }))
  return { session, state, standings }
}
