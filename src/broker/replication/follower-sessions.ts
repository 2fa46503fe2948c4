// The sessions of the brokers that follow partitions which this one leads, one per broker.
//
// Next on the path: follower-session.ts.

import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'
import type { ReplicaFetched, ReplicaFetchRequest } from '../../protocol/mq/replica-fetch.ts'
import { isSameLife } from '../partition/partition-state.ts'
import { FollowerSession, type FollowerSessionOptions } from './follower-session.ts'

export class FollowerSessions {
  readonly #options: Omit<FollowerSessionOptions, 'follower' | 'life'>
  readonly #sessions = new Map<BrokerId, FollowerSession>()

  constructor(options: Omit<FollowerSessionOptions, 'follower' | 'life'>) {
    this.#options = options
  }

  /**
   * @param respond called once, with an error when the fetch is not the next one of the follower's
   *   session: then it has to begin another
   */
  fetch(
    follower: BrokerId,
    request: ReplicaFetchRequest,
    respond: (answer: readonly ReplicaFetched[] | BrokerError) => void,
  ): void {
    const session = this.#maybeBegin(follower, request)
    if (!session.isNext(request)) {
      const what = `Cannot take fetch ${request.sequence} in session ${request.session}`
      const found = `it is not the next one in session ${session.id} of broker ${follower}`
      respond(new BrokerError('INVALID_FETCH_SESSION_EPOCH', `${what}: ${found}`))
      return
    }
    session.fetch(request, respond)
  }

  /** A fetch of an earlier session, which was still on its way, does not end a later one. */
  #maybeBegin(follower: BrokerId, request: ReplicaFetchRequest): FollowerSession {
    const { session: id, life, sequence } = request
    const known = this.#sessions.get(follower)
    const isLater = known === undefined || !isSameLife(known.life, life) || id > known.id
    if (known !== undefined && (sequence > 0 || !isLater)) return known
    known?.close()
    const { replica, purgatory, throttle, clock, turn } = this.#options
    const options = { follower, life, replica, purgatory, throttle, clock, turn }
    const session = new FollowerSession(id, options)
    this.#sessions.set(follower, session)
    return session
  }

  /** The broker is gone, or has begun another life. */
  gone(follower: BrokerId): void {
    this.#sessions.get(follower)?.close()
    this.#sessions.delete(follower)
  }

  close(): void {
    for (const session of this.#sessions.values()) session.close()
    this.#sessions.clear()
  }
}
