// One link to another server, after the hellos.
//
// A learner's history or tree is streamed from the disk as fast as its socket drains; messages sent
// in the meantime queue behind it, so the order on the link is the order of the calls. Only PING
// and PROBED overtake the stream: they show that we are alive, and depend on nothing sent before.
//
// Next on the path: peer-links.ts, at the other end.

import { invariant } from '../../invariant.ts'
import { limits } from '../../limits.ts'
import { ProtocolError } from '../../protocol/error-codes.ts'
import { encodePeerMessage } from '../../protocol/peer/codec.ts'
import { copyOf } from '../../protocol/peer/entries.ts'
import type { ListedServer, PeerHello } from '../../protocol/peer/hello.ts'
import type { IdentitiesCodec } from '../../protocol/peer/identities.ts'
import type { PeerMessage } from '../../protocol/peer/messages.ts'
import type { ServerId } from '../../protocol/records.ts'
import type { Link } from '../../protocol/transport/transport.ts'

/** A sequence of messages that is sent as fast as the socket drains. */
export interface Stream {
  /** undefined: the stream has ended; 'later': `PeerLinks.resume` is called when there is more. */
  next(): PeerMessage | 'later' | undefined
  /** The stream has ended, or its link is gone; called once. */
  closed?(): void
}

export class PeerLink {
  readonly id: ServerId
  /** of the process at the other end */
  readonly instance: number
  /** those of its list */
  readonly members: readonly ListedServer[]
  /** its address, for the log */
  readonly address: string
  /** whether we dialled the peer, so that its address is the configured one */
  readonly isDialled: boolean
  /** The ensemble that the peer named, and the one that we named to it. */
  named: string | undefined
  told: string | undefined
  /** see ZabInput */
  isMember: boolean
  readonly #link: Link
  readonly #identities: IdentitiesCodec
  #stream: Stream | undefined
  /** Messages that wait behind the stream, and the bytes of the proposals among them. */
  #behind: PeerMessage[] = []
  #behindBytes = 0

  constructor(
    link: Link,
    identities: IdentitiesCodec,
    parts: {
      readonly hello: PeerHello
      readonly address: string
      readonly isDialled: boolean
      readonly told: string | undefined
      readonly isMember: boolean
    },
  ) {
    this.id = parts.hello.serverId
    this.instance = parts.hello.instance
    this.members = parts.hello.members
    this.named = parts.hello.ensembleId
    this.address = parts.address
    this.isDialled = parts.isDialled
    this.told = parts.told
    this.isMember = parts.isMember
    this.#link = link
    this.#identities = identities
  }

  /** @param message its bytes are valid during the call */
  send(message: PeerMessage): void {
    if (this.#stream === undefined || message.type === 'PING' || message.type === 'PROBED') {
      return this.#write(message)
    }
    if (message.type === 'PROPOSAL' || message.type === 'INFORM') {
      const { type } = message
      this.#behind.push({ type, entries: copyOf(message.entries) })
      this.#behindBytes += message.entries.bytes.length
    } else this.#behind.push(message)
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

  /** Sends more of the stream, until the socket is congested. */
  pump(): void {
    while (this.#stream !== undefined && !this.#link.congested) {
      const message = this.#stream.next()
      if (message === 'later') return
      if (message !== undefined) this.#write(message)
      else for (const waiting of this.#endStream()) this.#write(waiting)
    }
  }

  /** The link is gone, and with it everything unsent. */
  closed(): void {
    this.#endStream()
  }

  destroy(): void {
    this.#endStream()
    this.#link.destroy()
  }

  /** As `destroy`, but sends the peer the reason first. */
  refuse(reason: string): void {
    this.#endStream()
    this.#write({ type: 'REFUSED', reason })
    this.#link.close()
  }

  /** @returns the messages that waited behind it */
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
