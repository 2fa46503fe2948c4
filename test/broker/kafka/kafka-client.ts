// A minimal client of Kafka's protocol for tests: one connection, requests in any version, and
// responses in order of arrival.

import net from 'node:net'
import { FrameDecoder } from '../../../src/protocol/frame.ts'
import type { Fields, StructRead, StructWritten } from '../../../src/protocol/kafka/fields.ts'
import type { KafkaApi } from '../../../src/protocol/kafka/message.ts'
import { KafkaReader } from '../../../src/protocol/kafka/reader.ts'
import { KafkaWriter } from '../../../src/protocol/kafka/writer.ts'
import { joined } from '../../protocol/kafka/all-messages.ts'
import { readResponse, writeRequest } from '../../protocol/kafka/exchange.ts'
import type { BrokerWorld } from '../broker-world.ts'

export class KafkaClient {
  readonly #socket: net.Socket
  /** correlation ids of the responses so far */
  readonly answered: number[] = []
  readonly closed: Promise<unknown>
  readonly #waiting = new Map<number, (body: Buffer) => void>()
  readonly #failures: (() => void)[] = []
  #next: ((body: Buffer) => void) | undefined
  #correlationId = 0

  constructor(port: number) {
    this.#socket = net.connect({ host: '127.0.0.1', port, noDelay: true })
    this.#socket.on('error', () => undefined) // a reset also closes
    this.closed = new Promise((resolve) => this.#socket.once('close', resolve))
    const decoder = new FrameDecoder(2 ** 27, (buffer, start, end) => {
      const id = buffer.readInt32BE(start)
      this.answered.push(id)
      const body = Buffer.from(buffer.subarray(start + 4, end))
      this.#waiting.get(id)?.(body)
      this.#next?.(body)
      this.#next = undefined
    })
    this.#socket.on('data', (chunk) => decoder.push(chunk))
    this.#socket.on('close', () => {
      for (const fail of this.#failures) fail()
    })
  }

  /** Rejects if the connection is closed without a response. */
  send<Request extends Fields, Response extends Fields>(
    api: KafkaApi<Request, Response>,
    version: number,
    request: StructWritten<Request>,
  ): Promise<StructRead<Response>> {
    if (this.#socket.destroyed) return Promise.reject(new Error('the connection is closed'))
    const correlationId = this.post(api, version, request)
    return new Promise((resolve, reject) => {
      this.#waiting.set(correlationId, (body) => {
        const from = new KafkaReader().reset(body, 0, body.length)
        const response = readResponse(from, api, version)
        if (from.bytesLeft === 0) resolve(response)
        else reject(new Error(`${from.bytesLeft} bytes follow the response`))
      })
      this.#failures.push(() => reject(new Error('the connection was closed')))
    })
  }

  /** Sends without waiting for a response. @returns the correlation id */
  post<Request extends Fields, Response extends Fields>(
    api: KafkaApi<Request, Response>,
    version: number,
    request: StructWritten<Request>,
  ): number {
    const correlationId = ++this.#correlationId
    const to = new KafkaWriter()
    to.beginFrame()
    writeRequest(to, api, { version, correlationId, clientId: 'test' }, request)
    to.endFrame()
    this.write(joined(to))
    return correlationId
  }

  /** The body of the next response, after its correlation id. */
  next(): Promise<Buffer> {
    return new Promise((resolve) => {
      this.#next = resolve
    })
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes)
  }

  close(): void {
    this.#socket.destroy()
  }
}

export function kafkaClient(world: BrokerWorld, broker = 1): KafkaClient {
  return world.use(new KafkaClient(world.broker(broker).port ?? 0))
}
