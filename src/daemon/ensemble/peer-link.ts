// Links to the other servers: one per pair, dialled by the server with the larger id, and dialled
// again whenever it breaks. Both ends begin with a hello. Next on the path: driver.ts.
//
// A learner's history or tree is streamed from the disk as fast as its socket drains; whatever is sent
// to it meanwhile waits behind, so the order on the link is the order of the calls. Only PINGs pass:
// they say that we live, and nothing about what was sent.

import type { Clock } from '../../clock.ts'
import { invariant } from '../../invariant.ts'
import { limits } from '../../limits.ts'
import type { Logger } from '../../logger.ts'
import { ProtocolError } from '../../protocol/error-codes.ts'
import { MsgpackReader } from '../../protocol/msgpack.ts'
import { IdentitiesCodec } from '../../protocol/peer/identities.ts'
import {
  decodePeerHello,
  decodePeerMessage,
  encodePeerHello,
  encodePeerMessage,
  type PeerMessage,
  peerProtocolVersion,
} from '../../protocol/peer/messages.ts'
import type { ServerId } from '../../protocol/records.ts'
import { kindOf } from '../../protocol/strangers.ts'
import type {
  Address,
  Link,
  LinkListener,
  LinkOptions,
  Listener,
  Transport,
} from '../../protocol/transport/transport.ts'
import { RareWarnings } from '../../rare-warnings.ts'

const linkOptions: LinkOptions = {
  frameBytesMax: limits.peerFrameBytesMax,
  queueBytesMax: limits.peerQueueBytesMax,
  handshakeMs: 3000,
  // Both ends of a peer link write whenever they like: pausing could stop each on the other.
  pauseWhenCongested: false,
  port: 'peer',
}

/** A peer that is down is dialled again after this, doubling up to the second. */
const redialMs = { first: 10, most: 320 }

/** What is sent piece by piece, as fast as the socket drains. */
export interface Stream {
  /** undefined: it has ended; 'later': there will be more, and `resume` is called then. */
  next(): PeerMessage | 'later' | undefined
  /** It has ended, or its link is gone; called once. */
  closed?(): void
}

export interface PeerLinksOptions {
  readonly self: ServerId
  /** All other servers. */
  readonly peers: ReadonlyMap<ServerId, Address>
  readonly ensembleId: () => string | undefined
  readonly transport: Transport
  readonly clock: Clock
  readonly logger: Logger
  readonly onConnected: (peer: ServerId) => void
  /** Not called for links that `disconnect` closed. */
  readonly onDisconnected: (peer: ServerId) => void
  /** Bytes in `message` are views of the received chunk; they may be kept for a while. */
  readonly onMessage: (peer: ServerId, message: PeerMessage) => void
}

export class PeerLinks {
  readonly #options: PeerLinksOptions
  readonly #warnings: RareWarnings
  readonly #open = new Map<ServerId, PeerLink>()
  readonly #reader = new MsgpackReader()
  readonly #identities = new IdentitiesCodec()
  readonly #redials = new Map<ServerId, { delayMs: number; cancel: () => void }>()
  #listener: Listener | undefined
  #closed = false

  constructor(options: PeerLinksOptions) {
    this.#options = options
    this.#warnings = new RareWarnings(options.logger, options.clock)
  }

  /** The port bound, once listening. */
  get port(): number | undefined {
    return this.#listener?.port
  }

  /** @throws as `net.Server.listen` does: EADDRINUSE, EACCES … */
  async listen(address: Address): Promise<void> {
    this.#listener = await this.#options.transport.listen(address, linkOptions, (link) =>
      this.#greet(link, undefined),
    )
  }

  dialAll(): void {
    for (const peer of this.#options.peers.keys()) if (peer < this.#options.self) this.#dial(peer)
  }

  send(peer: ServerId, message: PeerMessage): void {
    this.#open.get(peer)?.send(message)
  }

  /** Sends what the stream gives until it ends; later sends come behind. */
  stream(peer: ServerId, stream: Stream): void {
    const link = this.#open.get(peer)
    if (link === undefined) stream.closed?.()
    else link.stream(stream)
  }

  /** The stream to `peer` has more to give, if it is still under way. */
  resume(peer: ServerId): void {
    this.#open.get(peer)?.pump()
  }

  /** Closes the link to `peer`; nothing of it arrives any more. It is dialled again. */
  disconnect(peer: ServerId): void {
    this.#open.get(peer)?.destroy()
    this.#open.delete(peer)
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const { cancel } of this.#redials.values()) cancel()
    for (const peer of [...this.#open.keys()]) this.disconnect(peer)
    await this.#listener?.close()
    this.#warnings.close()
  }

  #dial(peer: ServerId): void {
    const address = this.#options.peers.get(peer)
    if (address === undefined || this.#closed) return
    const link = this.#options.transport.dial(address, linkOptions, {
      frame: (buffer, start, end) => listener.frame(buffer, start, end),
      drained: () => listener.drained?.(),
      closed: (reason) => {
        listener.closed(reason)
        this.#redial(peer)
      },
    })
    const listener = this.#greet(link, peer)
  }

  #redial(peer: ServerId): void {
    if (this.#closed) return
    const delayMs = this.#redials.get(peer)?.delayMs ?? redialMs.first
    const cancel = this.#options.clock.after(delayMs, () => this.#dial(peer))
    this.#redials.set(peer, { delayMs: Math.min(delayMs * 2, redialMs.most), cancel })
  }

  /** @param expected whom we dialled; an accepted link says who it is */
  #greet(link: Link, expected: ServerId | undefined): LinkListener {
    const { self, ensembleId, onDisconnected } = this.#options
    const out = link.beginFrame()
    encodePeerHello(out, {
      version: peerProtocolVersion,
      ensembleId: ensembleId(),
      serverId: self,
    })
    link.endFrame()
    let peer: PeerLink | undefined
    return {
      frame: (buffer, start, end) => {
        const reader = this.#reader.reset(buffer, start, end)
        if (peer === undefined) peer = this.#established(link, reader, expected)
        else if (this.#open.get(peer.id) === peer) {
          this.#options.onMessage(peer.id, decodePeerMessage(reader, this.#identities))
        }
      },
      drained: () => peer?.pump(),
      closed: (reason) => {
        if (reason instanceof ProtocolError) {
          const from = expected ?? `${link.remoteAddress}:${link.remotePort}`
          const facts = { peer: peer?.id ?? from, reason: reason.message }
          this.#warnings.warn(kindOf(reason), facts, 'Closed a peer link')
        }
        if (peer === undefined || this.#open.get(peer.id) !== peer) return
        peer.closed()
        this.#open.delete(peer.id)
        onDisconnected(peer.id)
      },
    }
  }

  #established(link: Link, reader: MsgpackReader, expected: ServerId | undefined): PeerLink {
    const { self, peers, ensembleId, onConnected, onDisconnected } = this.#options
    const hello = decodePeerHello(reader)
    const id = hello.serverId
    const ours = ensembleId()
    if (hello.ensembleId !== undefined && ours !== undefined && hello.ensembleId !== ours) {
      const found = `it belongs to ensemble ${hello.ensembleId}, we to ${ours}`
      throw new ProtocolError(`Cannot talk to server ${id}: ${found}`)
    }
    if (expected !== undefined && id !== expected) {
      throw new ProtocolError(`Cannot talk to server ${expected}: server ${id} answers there`)
    }
    if (expected === undefined && (!peers.has(id) || id <= self)) {
      const found = peers.has(id) ? 'it is for us to dial' : 'no server.N line names it'
      throw new ProtocolError(`Cannot accept server ${id}: ${found}`)
    }
    link.established()
    this.#redials.delete(id)
    const peer = new PeerLink(id, link, this.#identities)
    // Its old connection is dead, even if we have not noticed.
    if (this.#open.has(id)) {
      this.disconnect(id)
      onDisconnected(id)
    }
    this.#open.set(id, peer)
    onConnected(id)
    return peer
  }
}

class PeerLink {
  readonly id: ServerId
  readonly #link: Link
  readonly #identities: IdentitiesCodec
  #stream: Stream | undefined
  /** What waits behind the stream, and the bytes of its proposals. */
  #behind: PeerMessage[] = []
  #behindBytes = 0

  constructor(id: ServerId, link: Link, identities: IdentitiesCodec) {
    this.id = id
    this.#link = link
    this.#identities = identities
  }

  send(message: PeerMessage): void {
    if (this.#stream === undefined || message.type === 'PING') return this.#write(message)
    this.#behind.push(message)
    if (message.type === 'PROPOSAL') this.#behindBytes += message.entries.bytes.length
    if (this.#behindBytes > limits.peerQueueBytesMax) {
      const found = `${this.#behindBytes} bytes wait behind its history`
      this.#link.destroy(new ProtocolError(`Cannot wait longer for server ${this.id}: ${found}`))
    }
  }

  stream(stream: Stream): void {
    invariant(this.#stream === undefined, 'a link has one stream at a time')
    this.#stream = stream
    this.pump()
  }

  /** Goes on with the stream, as far as the socket takes it. */
  pump(): void {
    while (this.#stream !== undefined && !this.#link.congested) {
      const message = this.#stream.next()
      if (message === 'later') return
      if (message !== undefined) this.#write(message)
      else for (const waiting of this.#endStream()) this.#write(waiting)
    }
  }

  /** The link is gone, and with it what it had still to send. */
  closed(): void {
    this.#endStream()
  }

  destroy(): void {
    this.#endStream()
    this.#link.destroy()
  }

  /** @returns what waited behind it */
  #endStream(): readonly PeerMessage[] {
    const [stream, behind] = [this.#stream, this.#behind]
    this.#stream = undefined
    this.#behind = []
    this.#behindBytes = 0
    stream?.closed?.()
    return behind
  }

  #write(message: PeerMessage): void {
    const out = this.#link.beginFrame()
    encodePeerMessage(out, message, this.#identities)
    this.#link.endFrame()
  }
}
