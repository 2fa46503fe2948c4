// The network as programs use it: links that carry frames, dialled or accepted. There are two
// implementations: tcp.ts, and the simulator's, which loses, delays and cuts messages by its seed.
//
// Output gathers during a turn of the event loop and leaves at its end (turn.ts), in one write per
// link.

import type { Address, ListenAddress } from '../../address.ts'
import { ProtocolError } from '../error-codes.ts'
import type { MsgpackWriter } from '../msgpack.ts'
import type { PortName } from '../strangers.ts'
import type { TlsDial, TlsPort } from '../tls/ends.ts'

export interface LinkOptions {
  /** longest frame body that is accepted */
  readonly frameBytesMax: number
  /** the same until `established()`; by default `frameBytesMax` */
  readonly greetingBytesMax?: number
  /** unsent bytes beyond which the other side counts as stalled and is disconnected */
  readonly queueBytesMax: number
  /** time until `established()` must be called */
  readonly handshakeMs: number
  /**
   * Whether to stop reading while the other side does not read. For servers only: if both ends did
   * it, each could wait for the other forever.
   */
  readonly pauseWhenCongested: boolean
  /** The listener keeps no view of a frame after the call: its memory may be used again. */
  readonly reusesBuffers?: boolean
  /** A long answer to one client does not hold up the others: it leaves in slices (slices.ts). */
  readonly slicesOutput?: boolean
  /** The port that accepts the links, to recognize protocols that do not belong there. */
  readonly port?: PortName
}

export interface DialOptions extends LinkOptions {
  /** undefined: in plaintext */
  readonly tls?: TlsDial | undefined
}

export interface ListenOptions extends LinkOptions {
  /** undefined: plaintext only */
  readonly tls?: TlsPort | undefined
}

/** What a TLS handshake has shown. */
export interface LinkTls {
  /** 'TLSv1.3' */
  readonly protocol: string
  readonly cipher: string
  /** that of the other side, if it has one: it is trusted, and the other side holds its key */
  readonly certificate: ProvenCertificate | undefined
}

export interface ProvenCertificate {
  /** as in distinguished-name.ts */
  readonly subject: string
  /** Whether it is a certificate of this host: a name or an address. */
  names(host: string): boolean
}

/** What the first bytes of an accepted link are. */
export type FirstBytes =
  | 'more' // undecided: call again with more of them
  | 'frames' // frames from here on, these bytes included
  | 'other' // no frames: everything received from here on is dropped

/** No hello arrived on a link in time. */
export class HandshakeTimeoutError extends ProtocolError {
  /** what arrived instead, the same for all of one kind */
  readonly what: string

  constructor(what: string, afterMs: number) {
    super(`Cannot wait longer for a hello: ${what} came in ${afterMs} ms`)
    this.what = what
  }
}

/** Throwing a ProtocolError from `frame` or `firstBytes` closes the link for that reason. */
export interface LinkListener {
  /** A dialled link is connected. Frames written before that wait. */
  connected?(): void
  /** Called before any frame, with all bytes received so far; without it, all input is frames. */
  firstBytes?(bytes: Buffer): FirstBytes
  /** One frame's body, valid during the call. Not called after `close` or `destroy`. */
  frame(buffer: Buffer, start: number, end: number): void
  /** Everything queued on a congested link was sent. */
  drained?(): void
  /** The last call, exactly once. `reason` is undefined if either end closed normally. */
  closed(reason: Error | undefined): void
}

/** One connection. */
export interface Link {
  readonly remoteAddress: string
  readonly remotePort: number
  /** Of an accepted link, once its first bytes arrive; undefined in plaintext. */
  readonly tls?: LinkTls | undefined
  /**
   * Collects this turn's output: whole frames, `beginFrame` to `endFrame`, or bytes of a text
   * protocol. Read it again for every message.
   */
  readonly out: MsgpackWriter
  /** Whether much output is unsent; `drained` is called once it is sent. */
  readonly congested: boolean
  /** Bytes that follow what is in `out`, sent as they lie: they must not change until they are sent. */
  insert(bytes: Uint8Array): void
  /** Begins a frame in `out`. */
  beginFrame(): MsgpackWriter
  /** Ends the frame. */
  endFrame(): void
  /** The handshake is done: its deadline and `greetingBytesMax` no longer hold. */
  established(): void
  /** Stops reading until `resume`; frames of a chunk already read are still delivered. */
  pause(): void
  resume(): void
  /** Sends the queued output, then closes. No frame is delivered after this. */
  close(): void
  /** Closes immediately; the queued output is lost. */
  destroy(reason?: Error): void
}

/** A listening port. */
export interface Listener {
  readonly port: number
  /**
   * Stops listening at once; the open links that were accepted here stay.
   *
   * @returns resolves once the last of them is closed
   */
  stopAccepting(): Promise<void>
  /** Stops listening and destroys the open links that were accepted here. */
  close(): Promise<void>
}

/** All links of one program: they share the end of a turn. */
export interface Transport {
  /**
   * Connects to `address`. Returns the link immediately; a failure calls its `closed`.
   *
   * @param options `handshakeMs` includes connecting
   */
  dial(address: Address, options: DialOptions, listener: LinkListener): Link
  /**
   * Listens; `accept` returns the listener of each new link, or undefined to refuse it.
   *
   * @throws EADDRINUSE, EACCES …
   */
  listen(
    address: ListenAddress,
    options: ListenOptions,
    accept: (link: Link) => LinkListener | undefined,
  ): Promise<Listener>
}
