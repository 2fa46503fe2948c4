// What programs need of a network: links that carry frames, dialled or accepted. Two kinds exist: tcp.ts
// for real, and the simulator's, which loses, delays and tears as its seed says.
//
// Output gathers during a turn of the event loop and leaves at its end (turn.ts), in one write per link.

import type { Address, ListenAddress } from '../../address.ts'
import { ProtocolError } from '../error-codes.ts'
import type { MsgpackWriter } from '../msgpack.ts'
import type { PortName } from '../strangers.ts'

export interface LinkOptions {
  /** longest frame body that is taken */
  readonly frameBytesMax: number
  /** unsent bytes beyond which the other side counts as stalled and is cut off */
  readonly queueBytesMax: number
  /** from here to `established()` */
  readonly handshakeMs: number
  /**
   * Read no more while the other side does not read. For servers only: were both ends to do it,
   * each could wait for the other for ever.
   */
  readonly pauseWhenCongested: boolean
  /** Where links are accepted, so that what does not belong there can be told from what does. */
  readonly port?: PortName
}

/** What the first bytes of an accepted link turn out to be. */
export type FirstBytes =
  | 'more' // undecided: call again with more of them
  | 'frames' // frames from here on, these bytes included
  | 'other' // no frames: everything received from here on is dropped

/** Why a link was closed on which no handshake was done in time. */
export class HandshakeTimeoutError extends ProtocolError {
  /** came in its place; the same for all of one kind */
  readonly what: string

  constructor(what: string, afterMs: number) {
    super(`Cannot wait longer for a hello: ${what} came in ${afterMs} ms`)
    this.what = what
  }
}

/** Throwing a ProtocolError from `frame` or `firstBytes` closes the link for that reason. */
export interface LinkListener {
  /** A dialled link is connected. Frames may be written before: they wait. */
  connected?(): void
  /** Before any frame, with all bytes received so far; without it everything is frames. */
  firstBytes?(bytes: Buffer): FirstBytes
  /** One frame's body; valid during the call only. None comes after `close` or `destroy`. */
  frame(buffer: Buffer, start: number, end: number): void
  /** Everything queued on a congested link was sent. */
  drained?(): void
  /** Last call, exactly one. `reason` is undefined when either end closed in good order. */
  closed(reason: Error | undefined): void
}

/** One connection. */
export interface Link {
  readonly remoteAddress: string
  readonly remotePort: number
  /**
   * Where this turn's output goes: whole frames, `beginFrame` to `endFrame`, or bytes of a text
   * protocol. Fetch it anew for every message.
   */
  readonly out: MsgpackWriter
  /** Whether much is unsent; `drained` tells when it no longer is. */
  readonly congested: boolean
  /** Bytes that follow what is in `out`, sent as they lie: they must not change until they are sent. */
  insert(bytes: Uint8Array): void
  /** Begins a frame in `out`. */
  beginFrame(): MsgpackWriter
  /** Ends the frame. */
  endFrame(): void
  /** The handshake is done: its deadline no longer holds. */
  established(): void
  /** Reads no more until `resume`; frames of a chunk already read still come. */
  pause(): void
  resume(): void
  /** Sends what is queued, then closes. No frame comes after this. */
  close(): void
  /** Closes at once; what is queued is lost. */
  destroy(reason?: Error): void
}

/** An open port. */
export interface Listener {
  readonly port: number
  /** Stops listening and cuts off the links accepted here that are still open. */
  close(): Promise<void>
}

/** All links of one program: they share the end of a turn. */
export interface Transport {
  /**
   * Connects to `address`. The link exists at once; a failure is its `closed`.
   *
   * @param options `handshakeMs` includes connecting
   */
  dial(address: Address, options: LinkOptions, listener: LinkListener): Link
  /**
   * Listens; `accept` names the listener of each new link, or refuses it with undefined.
   *
   * @throws EADDRINUSE, EACCES …
   */
  listen(
    address: ListenAddress,
    options: LinkOptions,
    accept: (link: Link) => LinkListener | undefined,
  ): Promise<Listener>
}
