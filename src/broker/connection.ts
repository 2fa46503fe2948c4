// One link accepted by a broker. Its first frame says which protocol the client speaks: ours
// (api/connection.ts) or Kafka's (kafka/connection.ts). Bad input ends this link with a reason in the
// log and nothing else.
//
// Next on the path: api/connection.ts or kafka/connection.ts.

import type { Logger } from '../logger.ts'
import { ProtocolError } from '../protocol/error-codes.ts'
import { beginsKafkaRequest } from '../protocol/kafka/headers.ts'
import { wordAnswer } from '../protocol/mq/word-answer.ts'
import { kindOf } from '../protocol/strangers.ts'
import type { FirstBytes, Link, LinkListener } from '../protocol/transport/transport.ts'
import type { BrokerParts } from './api/broker-parts.ts'
import { ApiConnection } from './api/connection.ts'
import { KafkaConnection, type KafkaDialect } from './kafka/connection.ts'

/** A connection whose protocol is known. */
interface Conversation {
  /** @throws ProtocolError, which closes the link */
  frame(buffer: Buffer, start: number, end: number): void
  closed(): void
}

export class BrokerConnection implements LinkListener {
  readonly #parts: BrokerParts
  readonly #kafka: KafkaDialect
  readonly #link: Link
  readonly #log: Logger
  readonly #onClosed: (connection: BrokerConnection) => void
  #conversation: Conversation | undefined

  constructor(kafka: KafkaDialect, link: Link, onClosed: (connection: BrokerConnection) => void) {
    const { parts } = kafka
    this.#parts = parts
    this.#kafka = kafka
    this.#link = link
    this.#onClosed = onClosed
    const from = `${link.remoteAddress}:${link.remotePort}`
    this.#log = parts.log.child({ part: 'api', from })
  }

  /**
   * A four-letter word, for a server of ZooWeeper, gets an answer in plain text that says what this
   * is: as the length of a frame it would be far too much.
   */
  firstBytes(bytes: Buffer): FirstBytes {
    if (!/^[a-z]{1,4}$/.test(bytes.toString('latin1', 0, 4))) return 'frames'
    if (bytes.length < 4) return 'more'
    this.#link.out.raw(Buffer.from(wordAnswer(this.#parts.self)))
    this.#link.close()
    return 'other'
  }

  /** @throws ProtocolError, which closes the link */
  frame(buffer: Buffer, start: number, end: number): void {
    this.#conversation ??= beginsKafkaRequest(start < end ? buffer[start] : undefined)
      ? new KafkaConnection(this.#kafka, this.#link)
      : new ApiConnection(this.#parts, this.#link, this.#log)
    this.#conversation.frame(buffer, start, end)
  }

  closed(reason: Error | undefined): void {
    this.#conversation?.closed()
    if (reason instanceof ProtocolError) {
      const { remoteAddress: address, remotePort: port } = this.#link
      const facts = { address, port, reason: reason.message }
      const message = 'Closed a connection that broke the protocol'
      this.#parts.warnings.warn(kindOf(reason), facts, message)
    } else this.#log.debug({ reason: reason?.message }, 'A connection ended')
    this.#onClosed(this)
  }

  close(): void {
    this.#link.close()
  }
}
