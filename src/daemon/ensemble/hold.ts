// Holds the requests of learners while a leader hands one epoch over to the next: whatever would
// have to be proposed waits here, in order, until the next epoch begins. Clients wait for a round
// trip or two, and no connection is closed.

import { invariant } from '../../invariant.ts'
import { MsgpackReader, MsgpackWriter } from '../../protocol/msgpack.ts'
import { decodePeerMessage, encodePeerMessage } from '../../protocol/peer/codec.ts'
import { IdentitiesCodec } from '../../protocol/peer/identities.ts'
import type { LearnerMessage, PeerMessage } from '../../protocol/peer/messages.ts'
import type { ServerId } from '../../protocol/records.ts'
import { counterOf, type Zxid } from '../../protocol/zxid.ts'

/**
 * The counter at which a leader begins a new epoch. Everything in flight still fits before the
 * counter at which it would step down.
 */
const handoverAtDefault = 2 ** 32 - 2 ** 24

export interface Held {
  readonly from: ServerId
  readonly message: LearnerMessage
}

export class Hold {
  readonly #handoverAt: number
  #held: Held[] | undefined
  readonly #identities = new IdentitiesCodec()
  readonly #encoded = new MsgpackWriter()

  /** @param handoverAt the counter at which an epoch is handed over */
  constructor(handoverAt: number = handoverAtDefault) {
    this.#handoverAt = handoverAt
  }

  get isHolding(): boolean {
    return this.#held !== undefined
  }

  /** Begins the hold when the epoch's counter nears its end. */
  proposed(zxid: Zxid): void {
    if (counterOf(zxid) >= this.#handoverAt) this.#held ??= []
  }

  /**
   * Whether the next epoch may begin.
   *
   * @param waitingCount proposals not committed yet, and leadership confirmations not answered yet
   */
  mayHandOver(waitingCount: number): boolean {
    return this.isHolding && waitingCount === 0
  }

  /** @returns whether the message waits; a TOUCH does not, because sessions expire by the clock */
  maybeHold(from: ServerId, message: LearnerMessage): boolean {
    if (this.#held === undefined || message.type === 'TOUCH') return false
    this.#held.push({ from, message: this.#copyOf(message) })
    return true
  }

  /** @returns the messages that waited, in order */
  end(): readonly Held[] {
    const held = this.#held ?? []
    this.#held = undefined
    return held
  }

  /**
   * The bytes in a message are views of its socket's buffer, valid during one call. Encoding and
   * decoding it copies the message, and nothing around it.
   */
  #copyOf(message: LearnerMessage): LearnerMessage {
    this.#encoded.clear()
    encodePeerMessage(this.#encoded, message, this.#identities)
    const bytes = Buffer.from(this.#encoded.view())
    const reader = new MsgpackReader().reset(bytes, 0, bytes.length)
    const copy = decodePeerMessage(reader, this.#identities)
    invariant(isOfLearner(copy), 'a message is decoded as what it was encoded')
    return copy
  }
}

function isOfLearner(message: PeerMessage): message is LearnerMessage {
  const { type } = message
  return type === 'REQUEST' || type === 'ATTACH' || type === 'SYNC' || type === 'TOUCH'
}
