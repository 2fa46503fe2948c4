// Holds requests to a leader, in order, while one epoch gives way to the next. Clients wait for a
// few round trips, and no connection is closed.
//
//   the counter of an epoch nears its end: its leader holds the requests of all learners, whatever
//     would have to be proposed, until it has begun the next epoch
//   leadership is transferred (zab/transfer.ts): every server holds the requests of its own clients
//     until it follows the next leader, or leads; the leader holds all once it has everybody's HELD

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
  #epochEnds = false
  /** during a transfer: whose requests wait */
  #transfer: 'none' | 'own' | 'all' = 'none'
  #held: Held[] = []
  readonly #identities = new IdentitiesCodec()
  readonly #encoded = new MsgpackWriter()

  /** @param handoverAt the counter at which an epoch is handed over */
  constructor(handoverAt: number = handoverAtDefault) {
    this.#handoverAt = handoverAt
  }

  get isHolding(): boolean {
    return this.#epochEnds || this.#transfer !== 'none'
  }

  /** Begins the hold when the epoch's counter nears its end. */
  proposed(zxid: Zxid): void {
    if (counterOf(zxid) >= this.#handoverAt) this.#epochEnds = true
  }

  /**
   * Whether the next epoch may begin.
   *
   * @param waitingCount proposals not committed yet, and leadership confirmations not answered yet
   */
  mayHandOver(waitingCount: number): boolean {
    return this.#epochEnds && this.#transfer === 'none' && waitingCount === 0
  }

  /** A transfer begins: the requests of this server's clients wait. */
  beginTransfer(): void {
    this.#transfer = 'own'
  }

  /** Leader only: no learner sends more, and what comes late waits too. */
  holdAll(): void {
    if (this.#transfer === 'own') this.#transfer = 'all'
  }

  /** The transfer is given up. @returns what need not wait any more, in order */
  resume(): readonly Held[] {
    this.#transfer = 'none'
    return this.#epochEnds ? [] : this.end()
  }

  /**
   * @param isOwn whether it is of this server's clients
   * @returns whether the message waits; a TOUCH does not, because sessions expire by the clock
   */
  maybeHold(from: ServerId, message: LearnerMessage, isOwn: boolean): boolean {
    // What a learner sent before its HELD must take effect, even if the epoch's counter nears its end.
    const holdsIt = this.#transfer === 'own' ? isOwn : this.isHolding
    if (!holdsIt || message.type === 'TOUCH') return false
    this.#held.push({ from, message: this.#copyOf(message) })
    return true
  }

  /** @returns the messages that waited, in order */
  end(): readonly Held[] {
    const held = this.#held
    this.#held = []
    this.#epochEnds = false
    this.#transfer = 'none'
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
  switch (type) {
    case 'REQUEST':
    case 'ATTACH':
    case 'SYNC':
    case 'TOUCH':
    case 'OWNED':
      return true
    default:
      return false
  }
}
