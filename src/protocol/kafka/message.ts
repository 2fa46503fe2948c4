// An api of Kafka: its number, its versions, and the tables of its request and its response.
//
// Next on the path: headers.ts, which says what lies before a message.

import { invariant } from '../../invariant.ts'
import { type Fields, type Struct, type StructRead, type StructWritten, struct } from './fields.ts'
import type { KafkaReader } from './reader.ts'
import type { Codec } from './types.ts'
import type { KafkaWriter } from './writer.ts'

/** The first of the versions that are flexible, of an api that has none. */
const never = Number.POSITIVE_INFINITY

interface ApiTable<Request extends Fields, Response extends Fields> {
  readonly key: number
  readonly name: string
  /** first and last one that can be read and written */
  readonly versions: readonly [number, number]
  /** first version advertised to clients, if that is an earlier one */
  readonly offeredFrom?: number
  /** first flexible version, if there is one */
  readonly flexibleFrom?: number
  /** Its response has the plain header in flexible versions, too. */
  readonly isAnsweredPlainly?: boolean
  readonly request: Request
  readonly response: Response
}

export class KafkaApi<Request extends Fields, Response extends Fields> {
  readonly key: number
  readonly name: string
  readonly firstVersion: number
  readonly lastVersion: number
  readonly offeredFrom: number
  readonly flexibleFrom: number
  readonly #isAnsweredPlainly: boolean
  readonly request: Message<Request>
  readonly response: Message<Response>

  constructor(table: ApiTable<Request, Response>) {
    const [firstVersion, lastVersion] = table.versions
    const { offeredFrom = firstVersion, flexibleFrom = never, isAnsweredPlainly = false } = table
    this.key = table.key
    this.name = table.name
    this.firstVersion = firstVersion
    this.lastVersion = lastVersion
    this.offeredFrom = offeredFrom
    this.flexibleFrom = flexibleFrom
    this.#isAnsweredPlainly = isAnsweredPlainly
    this.request = new Message(struct(table.request), flexibleFrom)
    this.response = new Message(struct(table.response), flexibleFrom)
  }

  serves(version: number): boolean {
    return version >= this.firstVersion && version <= this.lastVersion
  }

  isFlexible(version: number): boolean {
    return version >= this.flexibleFrom
  }

  /** Whether tagged fields lie between the header of a response and its body. */
  hasResponseTags(version: number): boolean {
    return this.isFlexible(version) && !this.#isAnsweredPlainly
  }
}

/** One direction of an api, in all its versions. */
export class Message<F extends Fields> {
  readonly #struct: Struct<F>
  readonly #flexibleFrom: number
  /** by version; made when a version is first used */
  readonly #codecs: Codec<StructRead<F>, StructWritten<F>>[] = []

  constructor(made: Struct<F>, flexibleFrom: number) {
    this.#struct = made
    this.#flexibleFrom = flexibleFrom
  }

  get shape(): Struct<F>['shape'] {
    return this.#struct.shape
  }

  /**
   * Bytes in it are views. What lies behind it is left: a client may send more than its version has.
   *
   * @throws ProtocolError
   */
  read(from: KafkaReader, version: number): StructRead<F> {
    return this.#codec(version).read(from)
  }

  /** @throws ProtocolError when a string is longer than Kafka's protocol can say */
  write(to: KafkaWriter, version: number, value: StructWritten<F>): void {
    this.#codec(version).write(to, value)
  }

  #codec(version: number): Codec<StructRead<F>, StructWritten<F>> {
    const known = this.#codecs[version]
    if (known !== undefined) return known
    invariant(version >= 0 && version <= 0xff, 'versions are checked before messages are read')
    const isFlexible = version >= this.#flexibleFrom
    const codec = this.#struct.codec({ version, isFlexible })
    this.#codecs[version] = codec
    return codec
  }
}

/** What a request of an api is read as. */
export type RequestOf<A> =
  A extends KafkaApi<infer Request, infer _Response> ? StructRead<Request> : never

/** What its response is written from. */
export type ResponseOf<A> =
  A extends KafkaApi<infer _Request, infer Response> ? StructWritten<Response> : never
