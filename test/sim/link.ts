// One end of a simulated connection, as a process has it: frames are sent at the end of its turn,
// sometimes in pieces; incoming bytes wait while the process does not read.

import { ProtocolError } from '../../src/protocol/error-codes.ts'
import { FrameDecoder } from '../../src/protocol/frame.ts'
import { MsgpackWriter } from '../../src/protocol/msgpack.ts'
import type { Link, LinkListener, LinkOptions } from '../../src/protocol/transport/transport.ts'
import type { Connection, Side } from './connection.ts'
import type { SimProcess } from './process.ts'
import type { SimTransport } from './transport.ts'

const lingerMs = 2000

export class SimLink implements Link {
  readonly #transport: SimTransport
  readonly #connection: Connection
  readonly #side: Side
  readonly #listener: LinkListener
  readonly #decoder: FrameDecoder
  readonly #readsOnlyIfRead: boolean
  /** What was received is overwritten after the call, as the next read from a socket would. */
  readonly #reusesBuffers: boolean
  #unsentBytes = 0
  #congested = false
  readonly #out = new MsgpackWriter(256)
  readonly remoteAddress: string
  readonly remotePort = 0
  #first: Buffer | undefined
  #paused = false
  #waiting: Buffer[] = []
  #dirty = false
  #closing = false
  #finSent = false
  #finReceived = false
  #reason: Error | undefined
  #cancelDeadline: () => void

  constructor(
    transport: SimTransport,
    parts: {
      readonly side: Side
      readonly options: LinkOptions
      readonly remote: string
      /** of the end that dialled, once it exists */
      readonly connection: Connection | ((dialled: SimLink) => Connection)
      readonly listen: (link: SimLink) => LinkListener
    },
  ) {
    const { side, options, connection } = parts
    this.#transport = transport
    this.#side = side
    this.remoteAddress = parts.remote
    this.#readsOnlyIfRead = options.pauseWhenCongested
    this.#reusesBuffers = options.reusesBuffers === true
    this.#connection = typeof connection === 'function' ? connection(this) : connection
    this.#cancelDeadline = transport.process.after(options.handshakeMs, () =>
      this.destroy(new ProtocolError('Cannot wait longer for a hello')),
    )
    this.#listener = parts.listen(this)
    const listener = this.#listener
    this.#first = listener.firstBytes === undefined ? undefined : Buffer.alloc(0)
    this.#decoder = new FrameDecoder(options.frameBytesMax, (buffer, start, end) => {
      listener.frame(buffer, start, end)
      if (this.#reusesBuffers) buffer.fill(0xdb, start, end)
    })
  }

  get process(): SimProcess {
    return this.#transport.process
  }

  isDone = false
  /** how often it has sent something: first its hello */
  sentCount = 0

  // --- Link --------------------------------------------------------------------------------------

  get out(): MsgpackWriter {
    if (!this.#dirty) this.#transport.flushLater(this)
    this.#dirty = true
    return this.#out
  }

  insert(bytes: Uint8Array): void {
    this.out.raw(bytes)
  }

  beginFrame(): MsgpackWriter {
    const { out } = this
    out.beginFrame()
    return out
  }

  endFrame(): void {
    this.#out.endFrame()
    if (this.#out.length > this.#transport.network.windowBytes) this.flush()
  }

  get congested(): boolean {
    return this.#congested
  }

  established(): void {
    this.#cancelDeadline()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.process.after(0, () => this.#readOn())
  }

  close(): void {
    if (this.#closing) return
    this.flush()
    this.#stop()
    this.#finSent = true
    this.#connection.transmit(this.#side, (peer) => peer.fin())
    this.process.after(lingerMs, () => this.#end())
  }

  destroy(reason?: Error): void {
    if (this.isDone) return
    this.#stop()
    this.#reason ??= reason
    this.#connection.transmit(this.#side, (peer) => peer.broken())
    this.process.after(0, () => this.#end())
  }

  // --- from the network --------------------------------------------------------------------------

  connected(): void {
    this.process.enter(() => {
      if (!this.#closing) this.#listener.connected?.()
    })
  }

  bytes(bytes: Buffer): void {
    this.process.enter(() => this.#received(bytes))
  }

  fin(): void {
    this.process.enter(() => {
      this.#finReceived = true
      this.close()
      if (this.#finSent && this.#finReceived) this.#end()
    })
  }

  broken(): void {
    this.process.enter(() => {
      this.#reason ??= new Error('The connection was reset')
      this.#stop()
      this.#end()
    })
  }

  flush(): void {
    if (!this.#dirty) return
    this.#dirty = false
    if (this.#closing) return this.#out.clear()
    const bytes = Buffer.from(this.#out.view())
    this.#out.clear()
    if (bytes.length === 0) return
    const to = this.remoteAddress
    this.process.act(this.#transport.describe(bytes, to), ` to ${to}`)
    this.sentCount++
    const { random } = this.#transport.network
    const cut = random.chance(0.02) ? random.below(bytes.length) : 0
    for (const piece of [bytes.subarray(0, cut), bytes.subarray(cut)]) {
      if (piece.length > 0) this.#send(piece)
    }
  }

  #send(piece: Buffer): void {
    const { windowBytes } = this.#transport.network
    this.#unsentBytes += piece.length
    if (this.#unsentBytes > windowBytes) this.#congested = true
    this.#connection.transmit(this.#side, (peer) => {
      this.#unsentBytes -= piece.length
      if (this.#congested && this.#unsentBytes === 0) this.process.enter(() => this.#drained())
      peer.bytes(piece)
    })
  }

  #drained(): void {
    this.#congested = false
    if (this.#closing) return
    this.#listener.drained?.()
    this.#readOn()
  }

  get #holds(): boolean {
    return this.#paused || (this.#congested && this.#readsOnlyIfRead)
  }

  #received(bytes: Buffer): void {
    if (this.#closing) return
    if (this.#holds || this.#waiting.length > 0) {
      this.#waiting.push(bytes)
      return
    }
    this.#read(bytes)
  }

  #readOn(): void {
    while (!this.#holds && !this.#closing) {
      const bytes = this.#waiting.shift()
      if (bytes === undefined) return
      this.#read(bytes)
    }
  }

  #read(bytes: Buffer): void {
    try {
      if (this.#first === undefined) {
        this.#decoder.push(bytes)
        if (this.#reusesBuffers) bytes.fill(0xdb)
        return
      }
      const first = Buffer.concat([this.#first, bytes])
      const decided = this.#listener.firstBytes?.(first) ?? 'frames'
      this.#first = decided === 'more' ? first : undefined
      if (decided === 'other') this.#decoder.stop()
      if (decided === 'frames') {
        this.#decoder.push(first)
        if (this.#reusesBuffers) first.fill(0xdb)
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#transport.network.onViolation(error)
      this.destroy(error)
    }
  }

  #stop(): void {
    this.#closing = true
    this.#first = undefined
    this.#decoder.stop()
    this.established()
  }

  #end(): void {
    if (this.isDone) return
    this.isDone = true
    this.#connection.ended()
    this.#listener.closed(this.#reason)
  }
}
