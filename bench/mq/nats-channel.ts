// JetStream streams of NATS, one per partition, each on all servers. A batch is as many PUBs in one
// write; each is acknowledged by itself. Reading is by pull consumers without acks.

import type { Channel, ChannelOptions, Received } from './channel.ts'
import { BenchSocket } from './socket.ts'
import { payloadOf, streamName } from './streams.ts'

/** Messages that a consumer may send without being asked again, and when it is asked for more. */
const pullCount = 2000
const pullAgainBelow = 1000
const pullMs = 30_000

const answerMs = 5000

const carriageReturn = 0x0d
const connectLine =
  'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true,"lang":"bench","version":"1"}\r\n'

/** A message that arrived; `status` if the server itself says something. */
type OnMessage = (message: {
  readonly subscription: number
  readonly subject: () => string
  readonly payload: () => string
  readonly status: string | undefined
}) => void

/** A connection to one server. */
export class NatsConnection {
  readonly #socket: BenchSocket
  readonly #requests = new Map<string, (answer: string) => void>()
  #onMessage: OnMessage | undefined
  #nextRequest = 1

  private constructor(socket: BenchSocket) {
    this.#socket = socket
  }

  static async connect(
    options: Pick<ChannelOptions, 'addresses' | 'failed'>,
  ): Promise<NatsConnection> {
    const [address] = options.addresses
    if (address === undefined) throw new Error('Cannot connect: no server is given')
    const parser = new NatsParser({
      message: (message) => connection.#message(message),
      ping: () => {
        socket.queue(Buffer.from('PONG\r\n'))
        socket.flush()
      },
    })
    const socket = await BenchSocket.connect(address, (chunk) => parser.push(chunk), options.failed)
    const connection = new NatsConnection(socket)
    connection.queue(Buffer.from(`${connectLine}SUB _R.* 1\r\n`))
    connection.flush()
    return connection
  }

  set onMessage(onMessage: OnMessage) {
    this.#onMessage = onMessage
  }

  queue(bytes: Buffer): void {
    this.#socket.queue(bytes)
  }

  flush(): void {
    this.#socket.flush()
  }

  close(): void {
    this.#socket.close()
  }

  /** A request to JetStream's own API. @throws its error */
  async request(subject: string, body: object): Promise<Readonly<Record<string, unknown>>> {
    const inbox = `_R.${this.#nextRequest++}`
    const answer = new Promise<string>((resolve, reject) => {
      // While its servers have not agreed on a leader, they do not answer.
      const timer = setTimeout(() => reject(new Error(`NATS did not answer ${subject}`)), answerMs)
      this.#requests.set(inbox, (text) => {
        clearTimeout(timer)
        resolve(text)
      })
    })
    this.queue(publication(subject, inbox, Buffer.from(JSON.stringify(body))))
    this.flush()
    const said = JSON.parse(await answer)
    if (said.error === undefined) return said
    throw new Error(`NATS refused ${subject}: ${said.error.description}`)
  }

  #message(message: Parameters<OnMessage>[0]): void {
    if (message.subscription !== 1) {
      this.#onMessage?.(message)
      return
    }
    const subject = message.subject()
    const resolve = this.#requests.get(subject)
    this.#requests.delete(subject)
    resolve?.(message.payload() || `{"error":{"description":"${message.status}"}}`)
  }
}

export class NatsChannel implements Channel {
  readonly #options: ChannelOptions
  readonly #connection: NatsConnection
  readonly #payload: Uint8Array
  readonly #pending = new Map<string, { records: number; failed: number; stored: Stored }>()
  #nextBatch = 1

  private constructor(options: ChannelOptions, connection: NatsConnection) {
    this.#options = options
    this.#connection = connection
    this.#payload = payloadOf(options)
    connection.onMessage = ({ subject, payload, status }) => {
      const inbox = subject()
      const isStored = status === undefined && !payload().includes('"error"')
      this.#stored(inbox, isStored)
    }
    connection.queue(Buffer.from('SUB _A.* 2\r\n'))
  }

  static async open(options: ChannelOptions): Promise<NatsChannel> {
    return new NatsChannel(options, await NatsConnection.connect(options))
  }

  send(partition: number, records: number, stored: Stored): void {
    const inbox = `_A.${this.#nextBatch++}`
    this.#pending.set(inbox, { records, failed: 0, stored })
    const bytes = publication(streamName(this.#options, partition), inbox, this.#payload)
    for (let i = 0; i < records; i++) this.#connection.queue(bytes)
  }

  flush(): void {
    this.#connection.flush()
  }

  async read(what: 'all' | 'new', received: Received): Promise<void> {
    const { partitions } = this.#options
    const connection = await NatsConnection.connect(this.#options)
    const readers = Array.from({ length: partitions }, (_, partition) => {
      return new StreamReader(connection, streamName(this.#options, partition), partition + 10)
    })
    connection.onMessage = ({ subscription, status }) => {
      const partition = subscription - 10
      if (readers[partition]?.received(status) === true) received(partition, 1)
    }
    for (const reader of readers) await reader.begin(what)
  }

  #stored(inbox: string, isStored: boolean): void {
    const batch = this.#pending.get(inbox)
    if (batch === undefined) throw new Error(`NATS acknowledged ${inbox}, which is not awaited`)
    batch.records -= 1
    if (!isStored) batch.failed += 1
    if (batch.records > 0) return
    this.#pending.delete(inbox)
    batch.stored(batch.failed)
  }
}

type Stored = (failed: number) => void

/** Reads one stream, and from its beginning again after its end. */
class StreamReader {
  readonly #connection: NatsConnection
  readonly #stream: string
  readonly #subscription: number
  #what: 'all' | 'new' = 'all'
  #consumer = ''
  /** messages that are not read yet, until the stream is read again */
  #left = Number.POSITIVE_INFINITY
  /** messages that were asked for */
  #asked = 0

  constructor(connection: NatsConnection, stream: string, subscription: number) {
    this.#connection = connection
    this.#stream = stream
    this.#subscription = subscription
    connection.queue(Buffer.from(`SUB _C.${subscription} ${subscription}\r\n`))
  }

  async begin(what: 'all' | 'new'): Promise<void> {
    this.#what = what
    const config = {
      deliver_policy: what,
      ack_policy: 'none',
      replay_policy: 'instant',
      inactive_threshold: 60_000_000_000,
      num_replicas: 1,
    }
    const subject = `$JS.API.CONSUMER.CREATE.${this.#stream}`
    const body = { stream_name: this.#stream, config }
    const made = await this.#connection.request(subject, body)
    this.#consumer = String(made['name'])
    if (what === 'all') this.#left = Number(made['num_pending'])
    this.#asked = 0
    this.#ask()
  }

  /** @returns whether it was a record */
  received(status: string | undefined): boolean {
    if (status !== undefined) {
      // The time of a request was up.
      this.#asked = 0
      this.#ask()
      return false
    }
    this.#asked -= 1
    this.#left -= 1
    if (this.#left <= 0) void this.begin(this.#what)
    else if (this.#asked < pullAgainBelow) this.#ask()
    return true
  }

  #ask(): void {
    this.#asked += pullCount
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${this.#stream}.${this.#consumer}`
    const body = JSON.stringify({ batch: pullCount, expires: pullMs * 1_000_000 })
    const inbox = `_C.${this.#subscription}`
    this.#connection.queue(publication(subject, inbox, Buffer.from(body)))
    this.#connection.flush()
  }
}

function publication(subject: string, replyTo: string, payload: Uint8Array): Buffer {
  const head = Buffer.from(`PUB ${subject} ${replyTo} ${payload.length}\r\n`)
  return Buffer.concat([head, payload, Buffer.from('\r\n')])
}

/** Splits what NATS sends into messages. */
class NatsParser {
  readonly #on: { readonly message: OnMessage; readonly ping: () => void }
  #rest: Buffer = Buffer.alloc(0)

  constructor(on: { readonly message: OnMessage; readonly ping: () => void }) {
    this.#on = on
  }

  push(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    for (;;) {
      const next = this.#operation(bytes, at)
      if (next === -1) break
      at = next
    }
    this.#rest = bytes.subarray(at)
  }

  /** @returns the end of the operation; -1 if bytes are missing */
  #operation(bytes: Buffer, at: number): number {
    const lineEnd = bytes.indexOf(carriageReturn, at)
    if (lineEnd === -1 || lineEnd + 2 > bytes.length) return -1
    const words = bytes.toString('latin1', at, lineEnd).split(' ')
    switch (words[0]) {
      case 'MSG':
      case 'HMSG':
        return this.#message(bytes, words, lineEnd + 2)
      case 'PING':
        this.#on.ping()
        return lineEnd + 2
      case '-ERR':
        throw new Error(`NATS said ${words.join(' ')}`)
      default:
        return lineEnd + 2 // INFO, PONG, +OK
    }
  }

  /** MSG subject sid [reply-to] size; HMSG the same, with the size of the headers before the size. */
  #message(bytes: Buffer, words: readonly string[], start: number): number {
    const end = start + Number(words.at(-1))
    if (end + 2 > bytes.length) return -1
    const hasHeaders = words[0] === 'HMSG'
    const payloadAt = start + (hasHeaders ? Number(words.at(-2)) : 0)
    this.#on.message({
      subscription: Number(words[2]),
      subject: () => words[1] ?? '',
      payload: () => bytes.toString('latin1', payloadAt, end),
      status: hasHeaders
        ? /^NATS\/1\.0 (\d{3}[^\r]*)/.exec(bytes.toString('latin1', start, payloadAt))?.[1]
        : undefined,
    })
    return end + 2
  }
}
