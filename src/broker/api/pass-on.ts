// A request that only the leader can answer, at a broker that is not: passed on, once.

import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { BrokerId, MqRequest } from '../../protocol/mq/messages.ts'
import type { ClusterImage } from '../cluster/cluster-image.ts'
import { answerLater, type Respond } from './answer.ts'
import type { BrokerParts } from './broker-parts.ts'

type PassableRequest = Extract<MqRequest, { readonly passedOn: boolean }>

/** What the leader may take longer than the request says: the way there and back. */
const slackMs = 1000

export function passOn(
  parts: BrokerParts,
  request: PassableRequest,
  timeoutMs: number,
  respond: Respond,
): void {
  const leader = leaderFor(parts, request)
  if (leader instanceof BrokerError) respond(leader)
  else {
    const passed = passedOn(request)
    answerLater(parts.links.call(leader, passed, timeoutMs + slackMs), respond)
  }
}

/** The same request as its leader is to see it. Written out field by field: one copy per request. */
export function passedOn(request: PassableRequest): PassableRequest {
  const { topic, partition } = request
  switch (request.type) {
    case 'produce': {
      const { type, acks, timeoutMs, batch } = request
      return { type, topic, partition, acks, timeoutMs, passedOn: true, batch }
    }
    case 'fetch': {
      const { type, offset, maxWaitMs, bytesMax } = request
      return { type, topic, partition, offset, maxWaitMs, bytesMax, passedOn: true }
    }
    case 'listOffsets':
      return { type: request.type, topic, partition, passedOn: true }
  }
}

/** @returns the broker to pass it on to, or why that cannot be done */
export function leaderFor(parts: BrokerParts, request: PassableRequest): BrokerId | BrokerError {
  const { image, self } = parts
  const { type, topic, partition, passedOn } = request
  const refuse = (code: BrokerError['code'], found: string): BrokerError => {
    return new BrokerError(code, `Cannot ${type} ${topic}/${partition}: ${found}`)
  }
  if (!image.hasPartition(topic, partition)) return noPartition(image, type, request)
  if (passedOn) return refuse('NOT_LEADER_OR_FOLLOWER', `broker ${self} does not lead it`)
  const leader = image.leader(topic, partition)
  if (leader === undefined) {
    const problem = image.problemOf(topic, partition)
    return problem === undefined
      ? refuse('LEADER_NOT_AVAILABLE', 'it has no leader')
      : refuse('KAFKA_STORAGE_ERROR', `it has no leader: ${problem}`)
  }
  // We shall lead, and have not begun to.
  if (leader.id === self) return refuse('LEADER_NOT_AVAILABLE', 'its leader has just been elected')
  return leader.id
}

/** @param what was to be done */
export function noPartition(
  image: ClusterImage,
  what: string,
  { topic, partition }: { readonly topic: string; readonly partition: number },
): BrokerError {
  const problem = image.topicProblems.get(topic)
  const message = `Cannot ${what} ${topic}/${partition}: ${problem ?? 'there is no such partition'}`
  const code = problem === undefined ? 'UNKNOWN_TOPIC_OR_PARTITION' : 'KAFKA_STORAGE_ERROR'
  return new BrokerError(code, message)
}
