// Passes the partitions of a request that this broker does not lead on to their leaders: each
// leader gets its share in one request, which is passed on only once.
//
// Next on the path: replication/broker-links.ts.

import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { BrokerId, Place } from '../../protocol/mq/messages.ts'
import type { ClusterImage } from '../cluster/cluster-image.ts'
import { type Answers, asBrokerError } from './answer.ts'
import type { BrokerParts } from './broker-parts.ts'

/** Time that a leader's answer gets beyond the request's own timeout, for the round trip. */
export const slackMs = 1000

/** The partitions of a request that one leader answers for. */
export interface Share<Asked> {
  readonly leader: BrokerId
  readonly partitions: Asked[]
  /** index of each partition in the client's request */
  readonly places: number[]
}

/** The shares of one request. */
export class Shares<Asked extends Place> implements Iterable<Share<Asked>> {
  readonly #byLeader = new Map<BrokerId, Share<Asked>>()

  get count(): number {
    return this.#byLeader.size
  }

  add(leader: BrokerId, asked: Asked, place: number): void {
    const share = this.#byLeader.get(leader)
    if (share === undefined) {
      this.#byLeader.set(leader, { leader, partitions: [asked], places: [place] })
      return
    }
    share.partitions.push(asked)
    share.places.push(place)
  }

  [Symbol.iterator](): Iterator<Share<Asked>> {
    return this.#byLeader.values()
  }
}

/**
 * Puts a leader's answers in their places.
 *
 * @param failed makes the answer for a partition that the leader's answer lacks
 */
export function joinShare<Asked, T>(
  { leader, partitions, places }: Share<Asked>,
  answer: Promise<{ readonly partitions: readonly T[] }>,
  into: Answers<T>,
  failed: (asked: Asked, error: BrokerError) => T,
): void {
  const fill = (answered: readonly T[], error: BrokerError) => {
    for (const [i, asked] of partitions.entries()) {
      into.set(places[i] ?? i, answered[i] ?? failed(asked, error))
    }
  }
  answer.then(
    (response) => {
      const message = `Cannot use an answer of broker ${leader}: it lacks partitions`
      fill(response.partitions, new BrokerError('UNKNOWN_SERVER_ERROR', message))
    },
    (error: unknown) => fill([], asBrokerError(error)),
  )
}

/**
 * @param what the attempted operation, for the message
 * @param passedOn whether another broker has passed the request on already
 * @returns the broker to pass the partition on to, or the error
 */
export function leaderFor(
  parts: BrokerParts,
  what: string,
  place: Place,
  passedOn: boolean,
): BrokerId | BrokerError {
  const { image, self } = parts
  const { topic, partition } = place
  const refuse = (code: BrokerError['code'], found: string): BrokerError => {
    return new BrokerError(code, `Cannot ${what} ${topic}/${partition}: ${found}`)
  }
  if (!image.hasPartition(topic, partition)) return noPartition(image, what, place)
  if (passedOn) return refuse('NOT_LEADER_OR_FOLLOWER', `broker ${self} does not lead it`)
  const leader = image.leader(topic, partition)
  if (leader === undefined) {
    const problem = image.problemOf(topic, partition)
    return problem === undefined
      ? refuse('LEADER_NOT_AVAILABLE', 'it has no leader')
      : refuse('KAFKA_STORAGE_ERROR', `it has no leader: ${problem}`)
  }
  // We are the new leader, but have not begun to lead.
  if (leader.id === self) return refuse('LEADER_NOT_AVAILABLE', 'its leader has just been elected')
  return leader.id
}

/** @param what the attempted operation, for the message */
export function noPartition(
  image: ClusterImage,
  what: string,
  { topic, partition }: Place,
): BrokerError {
  const problem = image.topicProblems.get(topic)
  const message = `Cannot ${what} ${topic}/${partition}: ${problem ?? 'there is no such partition'}`
  const code = problem === undefined ? 'UNKNOWN_TOPIC_OR_PARTITION' : 'KAFKA_STORAGE_ERROR'
  return new BrokerError(code, message)
}
