// One api of Kafka: its key, its versions, and the field tables of its request and its response.
//
// Next on the path: headers.ts, which describes the headers before a message.

import { invariant } from '../../invariant.ts'
import { type Fields, type Struct, type StructRead, type StructWritten, struct } from './fields.ts'
import type { KafkaReader } from './reader.ts'
import type { Codec } from './types.ts'
import type { KafkaWriter } from './writer.ts'

/** The first flexible version of an api that has none. */
const never = Number.POSITIVE_INFINITY

interface ApiTable<Request extends Fields, Response extends Fields> {
  readonly key: number
  readonly name: string
  /** first and last version that can be read and written */
  readonly versions: readonly [number, number]
  /** first advertised version, if earlier */
  readonly offeredFrom?: number
  /** first flexible version, if any */
  readonly flexibleFrom?: number
  /** Whether responses keep the non-flexible header even in flexible versions. */
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

  /** Whether the response header ends with tagged fields. */
  hasResponseTags(version: number): boolean {
    return this.isFlexible(version) && !this.#isAnsweredPlainly
  }
}

/** The request or the response of an api, in all its versions. */
export class Message<F extends Fields> {
  readonly #struct: Struct<F>
  readonly #flexibleFrom: number
  /** by version; created on first use */
  readonly #codecs: Codec<StructRead<F>, StructWritten<F>>[] = []

  constructor(made: Struct<F>, flexibleFrom: number) {
    this.#struct = made
    this.#flexibleFrom = flexibleFrom
  }

  get shape(): Struct<F>['shape'] {
    return this.#struct.shape
  }

  /**
   * Bytes in the result are views. Bytes after the message are ignored: a client may send more than
   * its version defines.
   *
   * @throws ProtocolError
   */
  read(from: KafkaReader, version: number): StructRead<F> {
    return this.#codec(version).read(from)
  }

  /** @throws ProtocolError when a string is too long for Kafka's protocol */
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

/** The value that a request of an api is decoded to. */
export type RequestOf<A> =
  A extends KafkaApi<infer Request, infer _Response> ? StructRead<Request> : never

/** The value that a response of an api is encoded from. */
export type ResponseOf<A> =
  A extends KafkaApi<infer _Request, infer Response> ? StructWritten<Response> : never
