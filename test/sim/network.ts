// The simulator's network: connections that carry bytes in order, late, in pieces, and may break. What
// is on its way when one breaks is lost, each direction for itself; each end hears of it in its own
// time, or, when the other machine lost its power, not before that is back. A blocked direction holds
// back bytes as well as the news of an end, until it is opened.

import type { Address, ListenAddress } from '../../src/address.ts'
import { invariant } from '../../src/invariant.ts'
import { ProtocolError } from '../../src/protocol/error-codes.ts'
import { FrameDecoder } from '../../src/protocol/frame.ts'
import { MsgpackWriter } from '../../src/protocol/msgpack.ts'
import type {
  Link,
  LinkListener,
  LinkOptions,
  Listener,
  Transport,
} from '../../src/protocol/transport/transport.ts'
import type { Random } from '../../src/random.ts'
import type { Turn } from '../../src/turn.ts'
import type { EventQueue } from './event-queue.ts'
import type { SimProcess } from './process.ts'

const lingerMs = 2000

type Side = 0 | 1

interface OpenPort {
  readonly transport: SimTransport
  readonly options: LinkOptions
  readonly accept: (link: Link) => LinkListener | undefined
}

export class Network {
  readonly queue: EventQueue
  readonly random: Random
  /** [least, most] ms on the way */
  delayMs: readonly [number, number] = [0.1, 2]
  /** A link is congested while more than this is on its way. */
  windowBytes = 64 * 1024
  /** Somebody does not understand what came: nobody here sends such things on purpose. */
  onViolation: (error: ProtocolError) => void = () => undefined
  /** Whose accepted links overwrite what they have handed out: a frame's bytes may be reused after the call. */
  reusesBuffersOf: (host: string) => boolean = () => false
  readonly #ports = new Map<string, OpenPort>()
  readonly #connections = new Set<Connection>()
  readonly #blocked = new Set<string>()
  /** ms that a way takes longer */
  readonly #slow = new Map<string, number>()

  constructor(queue: EventQueue, random: Random) {
    this.queue = queue
    this.random = random
  }

  open(where: string, port: OpenPort): void {
    this.#ports.set(where, port)
  }

  close(where: string): void {
    this.#ports.delete(where)
  }

  portAt({ host, port }: Address): OpenPort | undefined {
    return this.#ports.get(`${host}:${port}`)
  }

  add(connection: Connection): void {
    this.#connections.add(connection)
  }

  remove(connection: Connection): void {
    this.#connections.delete(connection)
  }

  isBlocked(from: string, to: string): boolean {
    return this.#blocked.has(`${from}>${to}`)
  }

  block(from: string, to: string): void {
    if (from !== to) this.#blocked.add(`${from}>${to}`)
  }

  /** What was held back comes late, unless the connection was given up meanwhile. */
  unblock(from: string, to: string): void {
    if (!this.#blocked.delete(`${from}>${to}`)) return
    for (const connection of [...this.#connections]) {
      if (connection.joins(from, to) && this.random.chance(0.5)) connection.reset()
      else connection.release(from)
    }
  }

  /** What goes from one to the other takes so much longer, until `unblockAll`. */
  slow(from: string, to: string, extraMs: number): void {
    this.#slow.set(`${from}>${to}`, extraMs)
  }

  /** Bytes that nobody sent, behind all that is under way between the two. */
  forge(from: string, to: string, bytes: Buffer): void {
    for (const connection of [...this.#connections]) {
      if (connection.joins(from, to)) connection.forge(from, bytes)
    }
  }

  delayOf(from: string, to: string): number {
    return this.within(this.delayMs) + (this.#slow.get(`${from}>${to}`) ?? 0)
  }

  unblockAll(): void {
    this.#slow.clear()
    for (const pair of [...this.#blocked].sort()) {
      const [from = '', to = ''] = pair.split('>')
      this.unblock(from, to)
    }
  }

  /** Breaks what connects the two. */
  reset(a: string, b: string): void {
    for (const connection of [...this.#connections]) {
      if (connection.joins(a, b)) connection.reset()
    }
  }

  /** `silent`: nobody closes its connections for it. */
  processEnded(process: SimProcess, { silent }: { readonly silent: boolean }): void {
    for (const [where, { transport }] of [...this.#ports]) {
      if (transport.process === process) this.#ports.delete(where)
    }
    for (const connection of [...this.#connections]) connection.processEnded(process, silent)
  }

  /** A machine answers again: what others still send to its former processes is refused. */
  hostIsBack(host: string): void {
    for (const connection of [...this.#connections]) connection.hostIsBack(host)
  }

  within([least, most]: readonly [number, number]): number {
    return least + this.random.next() * (most - least)
  }
}

/** Two links and what is on its way between them. */
class Connection {
  readonly #network: Network
  readonly #hosts: readonly [string, string]
  readonly #ends: [SimLink, SimLink | undefined]
  readonly #busyUntilMs: [number, number] = [0, 0]
  readonly #held: [(() => void)[], (() => void)[]] = [[], []]
  /** what came before the other end was accepted: its process stands still */
  readonly #early: ((peer: SimLink) => void)[] = []
  /** broken: nothing gets through any more */
  #isReset = false

  constructor(network: Network, hosts: readonly [string, string], dialled: SimLink) {
    this.#network = network
    this.#hosts = hosts
    this.#ends = [dialled, undefined]
    network.add(this)
  }

  joins(a: string, b: string): boolean {
    const [one, two] = this.#hosts
    return (one === a && two === b) || (one === b && two === a)
  }

  accepted(link: SimLink): void {
    this.#ends[1] = link
    for (const arrive of this.#early.splice(0)) arrive(link)
  }

  /** The first thing that goes to the end which does not exist yet. */
  knock(arrive: () => void): void {
    this.#send(0, () => {
      if (!this.#isReset) arrive()
    })
  }

  /** Behind all that went this way before. */
  transmit(from: Side, arrive: (peer: SimLink) => void): void {
    this.#send(from, () => {
      const peer = this.#ends[from === 0 ? 1 : 0]
      if (this.#isReset) return
      if (peer === undefined) this.#early.push(arrive)
      else arrive(peer)
    })
  }

  #send(from: Side, deliver: () => void): void {
    const to = from === 0 ? 1 : 0
    const network = this.#network
    if (network.isBlocked(this.#hosts[from], this.#hosts[to])) {
      this.#held[from].push(deliver)
      return
    }
    const soonestMs = network.queue.nowMs + network.delayOf(this.#hosts[from], this.#hosts[to])
    const atMs = Math.max(soonestMs, this.#busyUntilMs[from])
    this.#busyUntilMs[from] = atMs
    network.queue.at(atMs, deliver)
  }

  release(from: string): void {
    for (const side of [0, 1] as const) {
      if (this.#hosts[side] !== from) continue
      if (this.#network.isBlocked(from, this.#hosts[side === 0 ? 1 : 0])) continue
      for (const deliver of this.#held[side].splice(0)) this.#send(side, deliver)
    }
  }

  forge(from: string, bytes: Buffer): void {
    const side = this.#hosts[0] === from ? 0 : 1
    // Before both hellos nothing but a hello is read.
    const isGreeted = this.#ends.every((end) => end?.hasSent === true)
    if (isGreeted) this.transmit(side, (peer) => peer.bytes(bytes))
  }

  reset(): void {
    if (this.#isReset) return
    this.#isReset = true
    const { queue, delayMs } = this.#network
    for (const end of this.#ends) {
      if (end === undefined) continue
      queue.after(this.#network.within(delayMs), () => end.broken())
    }
    this.#network.remove(this)
  }

  processEnded(process: SimProcess, silent: boolean): void {
    for (const side of [0, 1] as const) {
      if (this.#ends[side]?.process !== process || silent) continue
      this.transmit(side, (peer) => peer.broken())
    }
  }

  hostIsBack(host: string): void {
    for (const side of [0, 1] as const) {
      const end = this.#ends[side]
      if (this.#hosts[side] === host && end?.process.alive === false) this.reset()
    }
  }

  ended(): void {
    const [one, two] = this.#ends
    if (one.isDone && two?.isDone !== false) this.#network.remove(this)
  }
}

export class SimLink implements Link {
  readonly #transport: SimTransport
  readonly #connection: Connection
  readonly #side: Side
  readonly #listener: LinkListener
  readonly #decoder: FrameDecoder
  readonly #readsOnlyIfRead: boolean
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
    this.#connection = typeof connection === 'function' ? connection(this) : connection
    this.#cancelDeadline = transport.process.after(options.handshakeMs, () =>
      this.destroy(new ProtocolError('Cannot wait longer for a hello')),
    )
    this.#listener = parts.listen(this)
    const listener = this.#listener
    this.#first = listener.firstBytes === undefined ? undefined : Buffer.alloc(0)
    this.#decoder = new FrameDecoder(options.frameBytesMax, (buffer, start, end) =>
      listener.frame(buffer, start, end),
    )
  }

  get process(): SimProcess {
    return this.#transport.process
  }

  isDone = false
  /** its hello, at least */
  hasSent = false

  // --- Link --------------------------------------------------------------------------------------

  get out(): MsgpackWriter {
    if (!this.#dirty) this.#transport.flushLater(this)
    this.#dirty = true
    return this.#out
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
    this.hasSent = true
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

  get #reusesBuffers(): boolean {
    return this.#side === 1 && this.#transport.network.reusesBuffersOf(this.#transport.host)
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
        if (this.#reusesBuffers && !this.#decoder.midFrame) bytes.fill(0xdb)
        return
      }
      const first = Buffer.concat([this.#first, bytes])
      const decided = this.#listener.firstBytes?.(first) ?? 'frames'
      this.#first = decided === 'more' ? first : undefined
      if (decided === 'other') this.#decoder.stop()
      if (decided === 'frames') this.#decoder.push(first)
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

/** Names what is sent to whom: a point at which a process may be killed. */
export type Describe = (bytes: Buffer, to: string) => string

/** As TcpTransport: what one turn puts into links leaves at its end. */
export class SimTransport implements Transport {
  readonly network: Network
  readonly process: SimProcess
  readonly host: string
  readonly describe: Describe
  readonly #turn: Turn
  #dirty: SimLink[] = []
  readonly #send = () => this.#flush()

  constructor(parts: {
    readonly network: Network
    readonly process: SimProcess
    readonly turn: Turn
    readonly host: string
    readonly describe?: Describe
  }) {
    this.network = parts.network
    this.process = parts.process
    this.#turn = parts.turn
    this.host = parts.host
    this.describe = parts.describe ?? (() => 'send')
  }

  flushLater(link: SimLink): void {
    this.#dirty.push(link)
    this.#turn.send(this.#send)
  }

  dial(address: Address, options: LinkOptions, listener: LinkListener): Link {
    const { network, host } = this
    let connection: Connection | undefined
    const link = new SimLink(this, {
      side: 0,
      options,
      remote: address.host,
      connection: (dialled) => {
        connection = new Connection(network, [host, address.host], dialled)
        return connection
      },
      listen: () => listener,
    })
    invariant(connection !== undefined, 'a link has its connection')
    this.#shakeHands(connection, link, address)
    return link
  }

  async listen(
    { host, port }: ListenAddress,
    options: LinkOptions,
    accept: (link: Link) => LinkListener | undefined,
  ): Promise<Listener> {
    const where = `${host}:${port}`
    this.network.open(where, { transport: this, options, accept })
    return {
      port,
      close: async () => this.network.close(where),
    }
  }

  #shakeHands(connection: Connection, dialled: SimLink, address: Address): void {
    const { network } = this
    // The other end does not exist yet, so what arrives there is looked at here.
    const arrive = (): void => {
      const port = network.portAt(address)
      if (port === undefined) {
        // A machine without power does not even refuse.
        if (network.random.chance(0.7)) network.queue.after(0.1, () => dialled.broken())
        return
      }
      const { transport, options, accept } = port
      transport.process.enter(() => {
        const link = new SimLink(transport, {
          side: 1,
          options,
          remote: this.host,
          connection,
          listen: (link) => {
            const listener = accept(link)
            if (listener === undefined) transport.process.after(0, () => link.destroy())
            return listener ?? refused
          },
        })
        connection.accepted(link)
        connection.transmit(1, (peer) => peer.connected())
      })
    }
    connection.knock(arrive)
  }

  #flush(): void {
    const dirty = this.#dirty
    this.#dirty = []
    for (const link of dirty) link.flush()
  }
}

const refused: LinkListener = { frame: () => undefined, closed: () => undefined }
