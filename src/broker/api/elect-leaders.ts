// electLeaders: any broker writes the state in which the preferred replica leads, conditional on the
// state that it read and on the epoch of the controller in force, as the controller would.
//
// Next on the path: controller/leadership.ts; then the brokers read the state.

import { ZkError } from '../../protocol/error-codes.ts'
import type {
  ElectedLeader,
  ElectLeadersRequest,
  ElectLeadersResponse,
} from '../../protocol/mq/elect-leaders.ts'
import { BrokerError, type MqErrorCode } from '../../protocol/mq/error-codes.ts'
import { failureOf, type Place } from '../../protocol/mq/messages.ts'
import { encodeState, zkPaths } from '../cluster/zk-paths.ts'
import { preferredState } from '../controller/leadership.ts'
import { asBrokerError } from './answer.ts'
import type { BrokerParts, ServingSession } from './broker-parts.ts'
import { epochInForce } from './controller-epoch.ts'
import { openSession } from './open-session.ts'
import { noPartition } from './pass-on.ts'
import { repeated, repeatedError } from './repeated.ts'

/** @throws BrokerError, ZkError if none of the elections could be attempted */
export async function electLeaders(
  parts: BrokerParts,
  { partitions }: ElectLeadersRequest,
): Promise<ElectLeadersResponse> {
  const session = openSession(parts, 'elect leaders')
  await session.readChanges()
  const asked = partitions ?? ledByOthers(parts)
  const twice = repeated(asked.map(placeText))
  const outcomes = await Promise.all(
    asked.map(async (place): Promise<ElectedLeader> => {
      const { topic, partition } = place
      try {
        const what = placeText(place)
        if (twice.has(what)) throw repeatedError(`elect a leader of ${what}`)
        await elect(parts, session, place)
        return { topic, partition, error: undefined }
      } catch (error) {
        return { topic, partition, error: failureOf(asBrokerError(error)) }
      }
    }),
  )
  const wanted = outcomes.filter(
    ({ error }) => partitions !== undefined || error?.code !== 'ELECTION_NOT_NEEDED',
  )
  return { type: 'electLeaders', partitions: wanted }
}

/** All partitions but those that their preferred replica leads, which are most. */
function ledByOthers({ image }: BrokerParts): Place[] {
  return [...image.topics.values()].flatMap(({ topic, assignment, states }) =>
    assignment.replicas.flatMap(([preferred], partition) =>
      states.get(partition)?.leader === preferred ? [] : [{ topic, partition }],
    ),
  )
}

function placeText({ topic, partition }: Place): string {
  return `${topic}/${partition}`
}

/** @throws BrokerError, ZkError */
async function elect(
  { image, log }: BrokerParts,
  session: ServingSession,
  place: Place,
): Promise<void> {
  const { topic, partition } = place
  const refuse = (code: MqErrorCode, found: string) => {
    return new BrokerError(code, `Cannot elect a leader of ${topic}/${partition}: ${found}`)
  }
  for (;;) {
    const assignment = image.topics.get(topic)?.assignment
    const replicas = assignment?.replicas[partition]
    if (assignment === undefined || replicas === undefined) {
      throw noPartition(image, 'elect a leader', place)
    }
    const known = image.state(topic, partition)
    const { topicId } = assignment
    const standings = replicas.map((broker) => image.standing({ topicId, partition, broker }))
    const wanted = known === undefined ? undefined : preferredState(known, standings, image)
    if (wanted === 'it leads already') {
      throw refuse('ELECTION_NOT_NEEDED', `broker ${replicas[0]} is preferred and leads`)
    }
    if (known === undefined || wanted === undefined || wanted === 'it is not available') {
      const found = `broker ${replicas[0]} is preferred, and is not in sync`
      throw refuse('PREFERRED_LEADER_NOT_AVAILABLE', found)
    }
    try {
      const { controllerEpoch, check } = await epochInForce(session)
      // biome-ignore lint/plugin/noObjectSpread: leaders change rarely
      const state = { ...wanted, controllerEpoch }
      const path = zkPaths.state(topic, partition)
      const data = Buffer.from(encodeState(state))
      await session.zk.multi([check, { type: 'setData', path, data, version: known.version }])
      // biome-ignore lint/plugin/noObjectSpread: leaders change rarely
      image.setState(topic, partition, { ...state, version: known.version + 1 })
      log.info({ topic, partition, leader: wanted.leader }, 'Elected the preferred leader')
      return
    } catch (error) {
      if (!(error instanceof ZkError) || error.code !== 'BADVERSION') throw error
      await session.readTopics([topic])
    }
  }
}
