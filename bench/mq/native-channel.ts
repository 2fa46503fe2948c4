// A topic of Mimic Queue in the native protocol. Batches are encoded once and sent again and again:
// they have no producer id, and so no sequence that would change.

import { type Address, formatAddress } from '../../src/address.ts'
import { MqAdmin } from '../../src/client/mq/mq-admin.ts'
import { FrameDecoder } from '../../src/protocol/frame.ts'
import type { MqRequest } from '../../src/protocol/mq/apis.ts'
import { readBytes, readError } from '../../src/protocol/mq/by-hand.ts'
import { decodeMqWelcome, encodeMqHello, mqProtocolVersion } from '../../src/protocol/mq/hello.ts'
import { anyEpoch, noBroker } from '../../src/protocol/mq/messages.ts'
import { decodeResponseHeader, encodeMqRequest } from '../../src/protocol/mq/native.ts'
import {
  encodeBatch,
  forEachBatch,
  lastOffsetOf,
  noProducer,
} from '../../src/protocol/mq/record-batch.ts'
import { MsgpackReader, MsgpackWriter } from '../../src/protocol/msgpack.ts'
import { Random } from '../../src/random.ts'
import type { Channel, ChannelOptions, Received } from './channel.ts'
import { BenchSocket } from './socket.ts'

const frameBytesMax = 32 * 1024 * 1024
const fetchBytesMax = 8 * 1024 * 1024
const fetchPartitionBytesMax = 1024 * 1024
const timeoutMs = 30_000
const fetchWaitMs = 500

/** From here on a correlation id takes five bytes, so a frame can be stamped in place. */
const firstCorrelationId = 0x1_0000
/** After the frame's length, the array's header and the first byte of the number. */
const correlationIdAt = 6

type Answered = (reader: MsgpackReader) => void

/** One link to one broker. */
class NativeConnection {
  #socket: BenchSocket | undefined
  readonly #reader = new MsgpackReader()
  readonly #pending = new Map<number, Answered>()
  #nextCorrelationId = firstCorrelationId

  static async connect(
    address: Address,
    failed: (error: Error) => void,
  ): Promise<NativeConnection> {
    const connection = new NativeConnection()
    let welcomed: (() => void) | undefined
    const decoder = new FrameDecoder(frameBytesMax, (buffer, start, end) => {
      const reader = connection.#reader.reset(buffer, start, end)
      if (welcomed === undefined) {
        connection.#answered(reader)
        return
      }
      decodeMqWelcome(reader)
      welcomed()
      welcomed = undefined
    })
    const socket = await BenchSocket.connect(address, (chunk) => decoder.push(chunk), failed)
    connection.#socket = socket
    const greeted = new Promise<void>((resolve) => {
      welcomed = resolve
    })
    const hello = framed((out) =>
      encodeMqHello(out, {
        version: mqProtocolVersion,
        role: 'client',
        clusterId: undefined,
        name: 'bench',
        brokerId: noBroker,
        brokerEpoch: 0,
        challenge: undefined,
      }),
    )
    socket.queue(hello)
    socket.flush()
    await greeted
    return connection
  }

  /** Queues a frame made by `requestFrame`. */
  send(frame: Buffer, answered: Answered): void {
    const socket = this.#socket
    if (socket === undefined) throw new Error('Cannot send: the connection is not open')
    const id = this.#nextCorrelationId++
    this.#pending.set(id, answered)
    const at = socket.queue(frame)
    socket.out.writeUInt32BE(id, at + correlationIdAt)
  }

  flush(): void {
    this.#socket?.flush()
  }

  #answered(reader: MsgpackReader): void {
    const { correlationId, error } = decodeResponseHeader(reader)
    if (error !== undefined) throw new Error(`A request failed: ${error.message}`)
    const answered = this.#pending.get(correlationId)
    this.#pending.delete(correlationId)
    answered?.(reader)
  }
}

export class NativeChannel implements Channel {
  readonly #options: ChannelOptions
  /** to append on, by partition */
  readonly #leaders: readonly NativeConnection[]
  readonly #connections: readonly NativeConnection[]
  /** the leader's address, by partition */
  readonly #addresses: readonly Address[]
  readonly #value: Uint8Array
  /** by partition, then by number of records */
  readonly #frames: Map<number, Buffer>[]

  private constructor(
    options: ChannelOptions,
    addresses: readonly Address[],
    connections: ReadonlyMap<string, NativeConnection>,
  ) {
    this.#options = options
    this.#addresses = addresses
    this.#connections = [...connections.values()]
    this.#leaders = addresses.map((address) => found(connections.get(formatAddress(address))))
    this.#value = new Random(options.seed).bytes(options.recordBytes)
    this.#frames = addresses.map(() => new Map())
  }

  static async open(options: ChannelOptions): Promise<NativeChannel> {
    const addresses = await leadersOf(options)
    return new NativeChannel(options, addresses, await connectAll(addresses, options.failed))
  }

  send(partition: number, records: number, stored: (failed: number) => void): void {
    found(this.#leaders[partition]).send(this.#frame(partition, records), (reader) => {
      reader.arrayHeader() // one partition,
      reader.arrayHeader() // of five fields
      reader.string()
      reader.int()
      stored(readError(reader) === undefined ? 0 : records)
    })
  }

  flush(): void {
    for (const connection of this.#connections) connection.flush()
  }

  async read(what: 'all' | 'new', received: Received): Promise<void> {
    const { failed } = this.#options
    const starts = what === 'new' ? await this.#ends() : this.#addresses.map(() => 0)
    const ends = what === 'all' ? await this.#ends() : undefined
    const connections = await connectAll(this.#addresses, failed)
    for (const [address, connection] of connections) {
      const partitions = this.#addresses.flatMap((leader, partition) =>
        formatAddress(leader) === address ? [partition] : [],
      )
      this.#fetch(connection, { partitions, positions: [...starts], ends, received })
    }
  }

  #fetch(connection: NativeConnection, reading: Reading): void {
    const { partitions, positions, ends, received } = reading
    const { topic } = this.#options
    const frame = requestFrame({
      type: 'fetch',
      maxWaitMs: fetchWaitMs,
      bytesMin: 1,
      bytesMax: fetchBytesMax,
      passedOn: false,
      partitions: partitions.map((partition) => ({
        topic,
        partition,
        offset: found(positions[partition]),
        bytesMax: fetchPartitionBytesMax,
        leaderEpoch: anyEpoch,
      })),
    })
    connection.send(frame, (reader) => {
      const count = reader.arrayHeader()
      for (let i = 0; i < count; i++) {
        reader.arrayHeader()
        reader.string()
        const partition = reader.int()
        const error = readError(reader)
        if (error !== undefined) throw new Error(`Cannot fetch: ${error.message}`)
        reader.int()
        reader.int()
        const bytes = readBytes(reader, 'records')
        let records = 0
        forEachBatch(bytes, (at) => {
          records += bytes.readInt32BE(at + 57)
          positions[partition] = lastOffsetOf(bytes, at) + 1
        })
        if (records > 0) received(partition, records)
        const end = ends?.[partition]
        if (end !== undefined && found(positions[partition]) >= end) positions[partition] = 0
      }
      this.#fetch(connection, reading)
      connection.flush()
    })
    connection.flush()
  }

  #frame(partition: number, records: number): Buffer {
    const frames = found(this.#frames[partition])
    const known = frames.get(records)
    if (known !== undefined) return known
    const record = { key: null, value: this.#value, timestampMs: Date.now(), headers: [] }
    const batch = encodeBatch({
      producerId: noProducer,
      producerEpoch: -1,
      baseSequence: -1,
      records: Array.from({ length: records }, () => record),
    })
    const { topic } = this.#options
    const partitions = [{ topic, partition, batch }]
    const frame = requestFrame({
      type: 'produce',
      acks: 'all',
      timeoutMs,
      passedOn: false,
      partitions,
    })
    frames.set(records, frame)
    return frame
  }

  async #ends(): Promise<number[]> {
    const admin = new MqAdmin({ brokers: this.#options.addresses.map(formatAddress) })
    try {
      return (await admin.offsets(this.#options.topic)).map(({ latest }) => latest)
    } finally {
      admin.close()
    }
  }
}

/** Partitions of one broker. */
interface Reading {
  readonly partitions: readonly number[]
  /** the next offset, by partition */
  readonly positions: number[]
  /** where to begin again, by partition; undefined: never */
  readonly ends: readonly number[] | undefined
  readonly received: Received
}

/** The address of each partition's leader. */
async function leadersOf({ addresses, topic }: ChannelOptions): Promise<readonly Address[]> {
  const admin = new MqAdmin({ brokers: addresses.map(formatAddress) })
  try {
    const { brokers, topics } = await admin.cluster()
    const partitions = topics.find((each) => each.topic === topic)?.partitions
    return found(partitions).map(({ leader }) => {
      const { host, port } = found(brokers.find(({ id }) => id === leader))
      return { host, port }
    })
  } finally {
    admin.close()
  }
}

async function connectAll(
  addresses: readonly Address[],
  failed: (error: Error) => void,
): Promise<Map<string, NativeConnection>> {
  const connections = new Map<string, NativeConnection>()
  for (const address of addresses) {
    const name = formatAddress(address)
    if (connections.has(name)) continue
    connections.set(name, await NativeConnection.connect(address, failed))
  }
  return connections
}

function requestFrame(request: MqRequest): Buffer {
  return framed((out) => encodeMqRequest(out, firstCorrelationId, request))
}

function framed(write: (out: MsgpackWriter) => void): Buffer {
  const out = new MsgpackWriter()
  out.beginFrame()
  write(out)
  out.endFrame()
  return Buffer.from(out.view())
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('Cannot use the topic: a partition has no leader')
  return value
}
