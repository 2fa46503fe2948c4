// Streams of Redis, one per partition. A batch is as many XADDs in one write. RESP 2, of which only
// what XADD and XREAD answer is understood.

import type { Channel, ChannelOptions, Received } from './channel.ts'
import { BenchSocket } from './socket.ts'
import { payloadOf, streamName } from './streams.ts'

/** Entries that one XREAD returns, of each stream; and how long it waits for some. */
const readCount = 2000
const readBlockMs = 500

const carriageReturn = 0x0d

export class RedisChannel implements Channel {
  readonly #options: ChannelOptions
  readonly #socket: BenchSocket
  readonly #commands: readonly Buffer[]
  readonly #pending: { records: number; failed: number; stored: (failed: number) => void }[] = []

  private constructor(options: ChannelOptions, socket: BenchSocket) {
    this.#options = options
    this.#socket = socket
    const payload = payloadOf(options)
    this.#commands = Array.from({ length: options.partitions }, (_, partition) =>
      command('XADD', streamName(options, partition), '*', 'v', payload),
    )
  }

  static async open(options: ChannelOptions): Promise<RedisChannel> {
    const replies = new Replies({
      string: () => channel.#stored(0),
      error: () => channel.#stored(1),
    })
    const socket = await connect(options, replies)
    const channel = new RedisChannel(options, socket)
    return channel
  }

  send(partition: number, records: number, stored: (failed: number) => void): void {
    const add = this.#commands[partition]
    if (add === undefined) throw new Error(`There is no stream ${partition}`)
    for (let i = 0; i < records; i++) this.#socket.queue(add)
    this.#pending.push({ records, failed: 0, stored })
  }

  flush(): void {
    this.#socket.flush()
  }

  /** XREAD tells the streams by name, and each entry's id, which the next one begins after. */
  async read(what: 'all' | 'new', received: Received): Promise<void> {
    const { partitions } = this.#options
    const numbers = Array.from({ length: partitions }, (_, partition) => partition)
    const names = numbers.map((partition) => streamName(this.#options, partition))
    const byName = new Map(names.map((name, partition) => [name, partition]))
    // Not `$`, the last entry at the time of each command: what comes between two would be missed.
    const positions = what === 'all' ? numbers.map(() => '0') : await this.#lastEntries(names)
    const counts = numbers.map(() => 0)
    let current = 0
    const ask = () => {
      const options = ['COUNT', String(readCount), 'BLOCK', String(readBlockMs), 'STREAMS']
      socket.queue(command('XREAD', ...options, ...names, ...positions))
      socket.flush()
    }
    const replies = new Replies({
      string: (text, depth) => {
        if (depth === 2) current = byName.get(text()) ?? 0
        else if (depth === 4) {
          positions[current] = text()
          counts[current] = (counts[current] ?? 0) + 1
        }
      },
      error: (message) => {
        throw new Error(`Cannot read: ${message}`)
      },
      ended: () => {
        for (const partition of numbers) {
          const count = counts[partition] ?? 0
          counts[partition] = 0
          if (count > 0) received(partition, count)
          else if (what === 'all') positions[partition] = '0'
        }
        ask()
      },
    })
    const socket = await connect(this.#options, replies)
    ask()
  }

  /** The id of each stream's last entry. */
  async #lastEntries(names: readonly string[]): Promise<string[]> {
    const last: string[] = []
    for (const name of names) {
      last.push(
        await new Promise<string>((resolve, reject) => {
          let id = '0'
          const replies = new Replies({
            string: (text, depth) => {
              if (depth === 2) id = text()
            },
            error: (message) => reject(new Error(`Cannot read ${name}: ${message}`)),
            ended: () => resolve(id),
          })
          const ask = command('XREVRANGE', name, '+', '-', 'COUNT', '1')
          connect(this.#options, replies).then((socket) => {
            socket.queue(ask)
            socket.flush()
          }, reject)
        }),
      )
    }
    return last
  }

  #stored(failed: number): void {
    const first = this.#pending[0]
    if (first === undefined) throw new Error('Redis answered without being asked')
    first.failed += failed
    first.records -= 1
    if (first.records > 0) return
    this.#pending.shift()
    first.stored(first.failed)
  }
}

async function connect(
  { addresses, failed }: ChannelOptions,
  replies: Replies,
): Promise<BenchSocket> {
  const [address] = addresses
  if (address === undefined) throw new Error('Cannot connect: no server is given')
  return BenchSocket.connect(address, (chunk) => replies.push(chunk), failed)
}

function command(...words: readonly (string | Uint8Array)[]): Buffer {
  const pieces = words.flatMap((word) => {
    const bytes = typeof word === 'string' ? Buffer.from(word) : word
    return [Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')]
  })
  return Buffer.concat([Buffer.from(`*${words.length}\r\n`), ...pieces])
}

interface Visitor {
  /** A bulk string, and in how many arrays it lies. */
  readonly string: (text: () => string, depth: number) => void
  readonly error: (message: string) => void
  /** A whole reply, errors excluded. */
  readonly ended?: () => void
}

/** Splits what Redis sends into replies. */
class Replies {
  readonly #visitor: Visitor
  #rest: Buffer = Buffer.alloc(0)
  /** elements missing in each open array */
  readonly #open: number[] = []

  constructor(visitor: Visitor) {
    this.#visitor = visitor
  }

  push(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    for (;;) {
      const next = this.#element(bytes, at)
      if (next === -1) break
      at = next
    }
    this.#rest = bytes.subarray(at)
  }

  /** @returns the end of the element's own bytes; -1 if some are missing */
  #element(bytes: Buffer, at: number): number {
    const lineEnd = bytes.indexOf(carriageReturn, at)
    if (lineEnd === -1 || lineEnd + 2 > bytes.length) return -1
    const type = bytes[at]
    let end = lineEnd + 2
    if (type === 0x2d) this.#visitor.error(bytes.toString('latin1', at + 1, lineEnd))
    else if (type === 0x24 || type === 0x2a) {
      const length = numberIn(bytes, at + 1, lineEnd)
      if (type === 0x2a && length > 0) {
        this.#open.push(length)
        return end
      }
      if (type === 0x24 && length >= 0) {
        const start = end
        end += length + 2
        if (end > bytes.length) return -1
        this.#visitor.string(
          () => bytes.toString('latin1', start, start + length),
          this.#open.length,
        )
      }
    }
    this.#close()
    return end
  }

  #close(): void {
    for (;;) {
      const left = this.#open.pop()
      if (left === undefined) break
      if (left > 1) {
        this.#open.push(left - 1)
        return
      }
    }
    this.#visitor.ended?.()
  }
}

function numberIn(bytes: Buffer, start: number, end: number): number {
  if (bytes[start] === 0x2d) return -1
  let value = 0
  for (let at = start; at < end; at++) value = value * 10 + (bytes[at] ?? 0) - 0x30
  return value
}
