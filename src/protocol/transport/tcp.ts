// TCP links that carry frames: client connections, peer links and broker links, at either end.
//
// The output of one turn of the event loop leaves a link in one `socket.write` when the turn sends
// (turn.ts). Frames are encoded directly into the link's `out`, a writer borrowed from a pool for
// that turn, so an idle link owns no buffer. Long output to clients takes several turns (slices.ts).
//
// Next on the path: protocol/frame.ts.

import net from 'node:net'
import type { Address, ListenAddress } from '../../address.ts'
import { ReusedBuffers } from '../../reused-buffers.ts'
import type { Turn } from '../../turn.ts'
import { ProtocolError } from '../error-codes.ts'
import { FrameDecoder } from '../frame.ts'
import { MsgpackWriter } from '../msgpack.ts'
import { cameInstead, inPlaintext, named, openingBytesMax } from '../strangers.ts'
import { ReadMemory } from './reading.ts'
import { Slices, sliceBytes } from './slices.ts'
import { TlsAcceptor } from './tls-acceptor.ts'
import { dialError, dialTls } from './tls-dialler.ts'
import {
  type DialOptions,
  HandshakeTimeoutError,
  type Link,
  type LinkListener,
  type LinkOptions,
  type LinkTls,
  type Listener,
  type ListenOptions,
  type Transport,
} from './transport.ts'

/** Once this much output has gathered, it goes to the socket before the turn ends. */
const flushBytes = 256 * 1024

/** A link is congested while more than this is left unsent after a flush. */
const congestedBytes = 64 * 1024

/** The pool keeps no larger writers than this, no more than a busy turn needs, and no more memory. */
const pooledWriterBytesMax = 1024 * 1024
const pooledWritersMax = 256
const pooledBytesMax = 16 * 1024 * 1024

/** How long the other side may take to read our last bytes and close. */
const lingerMs = 2000

const keepAliveMs = 30_000

/** One connection. */
export class TcpLink implements Link {
  readonly #transport: TcpTransport
  /** the one that is read and written: TLS, on top of the accepted one, if the port has it */
  #socket: net.Socket
  /** Whether what is written reaches the other side: not before a TLS handshake has ended. */
  #isOpen = true
  #tls: LinkTls | undefined
  readonly #options: LinkOptions
  readonly #listener: LinkListener
  readonly #decoder: FrameDecoder
  #out: MsgpackWriter | undefined
  /** output that is too much for one write */
  readonly #slices = new Slices()
  #deadline: NodeJS.Timeout | undefined
  /** its first bytes until it is established, to recognize a foreign protocol */
  #opening: Buffer | undefined = Buffer.alloc(0)
  /** bytes seen while `firstBytes` is undecided; undefined once it has decided */
  #first: Buffer | undefined
  #paused = false
  #congested = false
  #closing = false
  /** `closed` was called */
  #hasEnded = false
  #reason: Error | undefined
  readonly remoteAddress: string
  readonly remotePort: number

  /** Called by `TcpTransport`. */
  constructor(
    transport: TcpTransport,
    socket: net.Socket,
    options: LinkOptions,
    listen: (link: TcpLink) => LinkListener,
    acceptor?: TlsAcceptor,
  ) {
    this.#transport = transport
    this.#socket = socket
    this.#options = options
    this.remoteAddress = socket.remoteAddress ?? ''
    this.remotePort = socket.remotePort ?? 0
    this.#listener = listen(this)
    const listener = this.#listener
    this.#first = listener.firstBytes === undefined ? undefined : Buffer.alloc(0)
    this.#decoder = new FrameDecoder(
      options.greetingBytesMax ?? options.frameBytesMax,
      (buffer, start, end) => listener.frame(buffer, start, end),
      options.reusesBuffers === true ? transport.frameBuffers : undefined,
    )
    this.#deadline = setTimeout(() => {
      const what = cameInstead(this.#opening ?? Buffer.alloc(0), options.port)
      this.destroy(new HandshakeTimeoutError(what, options.handshakeMs))
    }, options.handshakeMs)
    if (acceptor === undefined) this.#attach(socket)
    else this.#openBy(acceptor)
  }

  #attach(socket: net.Socket): void {
    socket.on('data', (chunk) => this.received(chunk))
    socket.on('end', () => this.close())
    socket.on('drain', () => this.#drained())
    socket.on('error', (error) => this.failed(error))
    socket.on('close', () => this.#closed())
  }

  /** Reads once the acceptor has found out what the client speaks. */
  #openBy(acceptor: TlsAcceptor): void {
    const accepted = this.#socket
    const onClose = (): void => this.#closed()
    this.#isOpen = false
    accepted.on('error', (error) => this.failed(error))
    acceptor.open(accepted, {
      opened: (socket, tls, first) => {
        if (this.#closing) {
          socket.destroy()
          return
        }
        accepted.off('close', onClose)
        this.#tls = tls
        this.#socket = socket
        this.#attach(socket)
        if (accepted.closed) return this.#closed()
        this.secured()
        if (first === undefined) return
        if (first.length === 0) this.close()
        else this.received(first)
      },
      failed: (reason) => this.failed(reason),
      refusedPlaintext: (first) => this.destroy(inPlaintext(first)),
    })
    // After the acceptor's own listener, which may give the reason.
    accepted.on('close', onClose)
  }

  /** For the transport: the handshake has ended, what was written meanwhile is sent. */
  secured(): void {
    this.#isOpen = true
    this.flush()
  }

  /** For the transport, of a link that dials in TLS. */
  securing(): void {
    this.#isOpen = false
  }

  /** For the transport: the first reason is the one that is told. */
  failed(reason: Error): void {
    this.#reason ??= reason
  }

  get tls(): LinkTls | undefined {
    return this.#tls
  }

  /**
   * Collects this turn's output: whole frames, `beginFrame` to `endFrame`, or bytes of a text
   * protocol. Read it again for every message.
   */
  get out(): MsgpackWriter {
    if (this.#out === undefined) {
      this.#out = this.#transport.takeWriter()
      this.#transport.flushLater(this)
    }
    return this.#out
  }

  /** Bytes that follow what is in `out`, sent as they lie: they must not change until they are sent. */
  insert(bytes: Uint8Array): void {
    const out = this.out
    out.insert(bytes)
    if (out.totalBytes >= flushBytes) this.flush()
  }

  /** Begins a frame in `out`. */
  beginFrame(): MsgpackWriter {
    const out = this.out
    out.beginFrame()
    return out
  }

  /** Ends the frame; a large output is flushed immediately. */
  endFrame(): void {
    const out = this.out
    out.endFrame()
    if (out.totalBytes >= flushBytes) this.flush()
  }

  /** Bytes not handed to the kernel yet. */
  get queuedBytes(): number {
    return this.#unsentBytes + (this.#out?.totalBytes ?? 0)
  }

  /** Whether much output is unsent; `drained` is called once it is sent. */
  get congested(): boolean {
    return this.#congested
  }

  /** The handshake is done: its deadline and `greetingBytesMax` no longer hold. */
  established(): void {
    this.#decoder.allow(this.#options.frameBytesMax)
    clearTimeout(this.#deadline)
    this.#deadline = undefined
    this.#opening = undefined
  }

  /** Stops reading until `resume`; frames of a chunk already read are still delivered. */
  pause(): void {
    this.#paused = true
    this.#socket.pause()
  }

  resume(): void {
    this.#paused = false
    this.#maybeRead()
  }

  /** Sends the queued output, then closes. No frame is delivered after this. */
  close(): void {
    if (this.#closing) return
    // Nothing may leave before the handshake has shown who reads it.
    if (!this.#isOpen) return this.destroy()
    this.#stop()
    this.flush()
    if (this.#socket.writable) this.#slices.send(this.#socket, Number.POSITIVE_INFINITY)
    // Closing with unread bytes in our receive buffer would reset the connection, and the other
    // side could lose our last frames: keep reading, and drop the bytes, until it closes as well.
    this.#socket.end()
    this.#socket.resume()
    this.#deadline = setTimeout(() => this.#socket.destroy(), lingerMs)
  }

  /** Closes immediately; the queued output is lost. */
  destroy(reason?: Error): void {
    this.#stop()
    this.#reason ??= reason
    this.#socket.destroy()
  }

  /** For the transport, at the end of a turn. */
  flush(): void {
    const out = this.#out
    if (out === undefined || !this.#isOpen) return
    this.#out = undefined
    const socket = this.#socket
    if (out.totalBytes > 0 && socket.writable) this.#write(out)
    const unsent = socket.destroyed ? 0 : this.#unsentBytes
    // The kernel has copied the sent bytes; unsent ones are still read from the writer's memory.
    if (unsent === 0) this.#transport.returnWriter(out)
    if (unsent > this.#options.queueBytesMax) {
      const found = `${unsent} bytes are unsent`
      this.destroy(new ProtocolError(`Cannot wait for a reader that stalled: ${found}`))
    } else if (unsent > congestedBytes && !this.#congested) {
      this.#congested = true
      if (this.#options.pauseWhenCongested && !this.#closing) socket.pause()
    }
  }

  #write(out: MsgpackWriter): void {
    const areWaiting = this.#slices.bytes > 0
    const isSliced = this.#options.slicesOutput === true && out.totalBytes > sliceBytes
    if (areWaiting || isSliced) {
      this.#slices.add(out)
      if (!areWaiting) this.#slices.send(this.#socket)
    } else if (out.hasInsertions) writePieces(this.#socket, out)
    else this.#socket.write(out.view())
  }

  get #unsentBytes(): number {
    return this.#socket.writableLength + this.#slices.bytes
  }

  /** For the transport: bytes that arrived, valid during the call. */
  received(chunk: Buffer): void {
    if (this.#closing) return
    if (this.#opening !== undefined) this.#noteOpening(chunk)
    try {
      if (this.#first === undefined) {
        this.#decoder.push(chunk)
        return
      }
      const bytes = this.#first.length === 0 ? chunk : Buffer.concat([this.#first, chunk])
      const decided = this.#listener.firstBytes?.(bytes) ?? 'frames'
      this.#first = decided === 'more' ? Buffer.from(bytes) : undefined
      if (decided === 'other') this.#decoder.stop()
      if (decided === 'frames') this.#decoder.push(bytes)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      const opening = this.#opening
      this.destroy(opening === undefined ? error : named(error, opening, this.#options.port))
    }
  }

  #noteOpening(chunk: Buffer): void {
    const known = this.#opening ?? Buffer.alloc(0)
    if (known.length === openingBytesMax) return
    this.#opening = Buffer.concat([known, chunk.subarray(0, openingBytesMax - known.length)])
  }

  /** The kernel has taken what was written. */
  #drained(): void {
    if (this.#slices.bytes > 0) {
      setImmediate(() => this.#sendSlice())
      return
    }
    if (!this.#congested) return
    this.#congested = false
    this.#maybeRead()
    if (!this.#closing) this.#listener.drained?.()
  }

  #sendSlice(): void {
    const socket = this.#socket
    if (!socket.writable) return
    this.#slices.send(socket)
    // A small last one does not fill the socket, which then tells of no 'drain'.
    if (!socket.writableNeedDrain) this.#drained()
  }

  #maybeRead(): void {
    const blocked = this.#congested && this.#options.pauseWhenCongested
    if (!this.#paused && !blocked) this.#socket.resume()
  }

  #stop(): void {
    this.#closing = true
    this.#first = undefined
    this.#decoder.stop()
    this.established()
  }

  #closed(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#stop()
    this.#listener.closed(this.#reason)
  }
}

/** In one system call. */
function writePieces(socket: net.Socket, out: MsgpackWriter): void {
  socket.cork()
  out.forEachPiece((piece) => socket.write(piece))
  socket.uncork()
}

/** All links of one program: they share the turn and the writers. */
export class TcpTransport implements Transport {
  readonly #turn: Turn
  #dirty: TcpLink[] = []
  readonly #writers: MsgpackWriter[] = []
  #writersBytes = 0
  /** For links that keep no views of what they received. */
  readonly frameBuffers = new ReusedBuffers()
  readonly #readMemory = new ReadMemory()
  readonly #send = () => this.#flush()

  /** @param turn links send at its end */
  constructor(turn: Turn) {
    this.#turn = turn
  }

  /**
   * Connects to `address`. Returns the link immediately; a failure calls its `closed`.
   *
   * @param options `handshakeMs` includes connecting
   */
  dial(address: Address, options: DialOptions, listener: LinkListener): TcpLink {
    const { host, port } = address
    const to = { host, port, noDelay: true, allowHalfOpen: true }
    const received = (bytes: Buffer): void => link.received(bytes)
    const connect =
      options.reusesBuffers === true
        ? Object.assign(to, { onread: this.#readMemory.onread(received) })
        : to
    const { tls } = options
    const socket = tls === undefined ? net.connect(connect) : dialTls(connect, tls)
    socket.setKeepAlive(true, keepAliveMs)
    if (tls === undefined) socket.once('connect', () => listener.connected?.())
    else {
      // Registered before the link's own listener, which knows the error without what it means.
      socket.on('error', (error) => link.failed(dialError(error, address)))
      socket.once('secureConnect', () => {
        listener.connected?.()
        link.secured()
      })
    }
    const link = new TcpLink(this, socket, options, () => listener)
    if (tls !== undefined) link.securing()
    return link
  }

  /**
   * Listens; `accept` returns the listener of each new link, or undefined to refuse it.
   *
   * @throws as `net.Server.listen` does: EADDRINUSE, EACCES …
   */
  async listen(
    { host, port }: ListenAddress,
    options: ListenOptions,
    accept: (link: TcpLink) => LinkListener | undefined,
  ): Promise<TcpListener> {
    const sockets = new Set<net.Socket>()
    const { tls } = options
    const acceptor = tls && new TlsAcceptor(tls, options.handshakeMs)
    // What a TLS port accepts is read by the socket on top of it.
    const reuses = options.reusesBuffers === true && acceptor === undefined
    const server = net.createServer({ noDelay: true, allowHalfOpen: true }, (accepted) => {
      const received = (bytes: Buffer): void => link.received(bytes)
      const socket = reuses ? this.#readMemory.moved(accepted, received) : accepted
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      socket.setKeepAlive(true, keepAliveMs)
      const listen = (link: TcpLink): LinkListener => {
        const listener = accept(link)
        if (listener === undefined) socket.destroy()
        return listener ?? refused
      }
      const link = new TcpLink(this, socket, options, listen, acceptor)
    })
    server.once('close', () => acceptor?.close())
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      const backlog = 1024
      server.listen(host === undefined ? { port, backlog } : { host, port, backlog }, () => {
        server.off('error', reject)
        // A failed accept (out of descriptors) affects one client, which is disconnected.
        server.on('error', () => undefined)
        resolve()
      })
    })
    return new TcpListener(server, sockets)
  }

  /** For links. */
  flushLater(link: TcpLink): void {
    this.#dirty.push(link)
    this.#turn.send(this.#send)
  }

  /** For links. */
  takeWriter(): MsgpackWriter {
    const writer = this.#writers.pop()
    if (writer === undefined) return new MsgpackWriter(1024)
    this.#writersBytes -= writer.capacity
    return writer
  }

  /** For links, once nothing uses the writer's memory any more. */
  returnWriter(writer: MsgpackWriter): void {
    const { capacity } = writer
    if (capacity > pooledWriterBytesMax || this.#writers.length >= pooledWritersMax) return
    if (this.#writersBytes + capacity > pooledBytesMax) return
    writer.clear()
    this.#writers.push(writer)
    this.#writersBytes += capacity
  }

  #flush(): void {
    const dirty = this.#dirty
    this.#dirty = []
    for (const link of dirty) link.flush()
  }
}

const refused: LinkListener = { frame: () => undefined, closed: () => undefined }

/** A listening port. */
export class TcpListener implements Listener {
  readonly #server: net.Server
  readonly #sockets: ReadonlySet<net.Socket>
  readonly port: number

  constructor(server: net.Server, sockets: ReadonlySet<net.Socket>) {
    this.#server = server
    this.#sockets = sockets
    const bound = server.address()
    this.port = bound !== null && typeof bound === 'object' ? bound.port : 0
  }

  /**
   * Stops listening at once; the open links that were accepted here stay.
   *
   * @returns resolves once the last of them is closed
   */
  stopAccepting(): Promise<void> {
    return new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  /** Stops listening and destroys the open links that were accepted here. */
  async close(): Promise<void> {
    const closed = [this.stopAccepting()]
    for (const socket of this.#sockets) {
      closed.push(new Promise<void>((resolve) => socket.once('close', () => resolve())))
      socket.destroy()
    }
    await Promise.all(closed)
  }
}
