// What the two ends of a peer link agree on before the hellos are exchanged: how the link is bound, how
// long a first frame may be, and how a greeting is written.

import { limits } from '../../limits.ts'
import { ProtocolError } from '../../protocol/error-codes.ts'
import { encodeGreeting, type Greeting } from '../../protocol/peer/hello.ts'
import type { FirstBytes, Link, LinkOptions } from '../../protocol/transport/transport.ts'

export const peerLinkOptions: LinkOptions = {
  frameBytesMax: limits.peerFrameBytesMax,
  queueBytesMax: limits.peerQueueBytesMax,
  handshakeMs: 3000,
  // Both ends of a peer link write whenever they like: pausing could stop each on the other.
  pauseWhenCongested: false,
  port: 'peer',
}

/** A first frame that is no hello is refused by its length: a stranger gets no memory for it. */
export function boundHello(bytes: Buffer): FirstBytes {
  if (bytes.length < 4) return 'more'
  const length = bytes.readUInt32BE(0)
  if (length <= limits.peerHelloBytesMax) return 'frames'
  throw new ProtocolError(`Cannot take a first frame of ${length} bytes for a hello`)
}

export function writeGreeting(link: Link, greeting: Greeting): void {
  const out = link.beginFrame()
  encodeGreeting(out, greeting)
  link.endFrame()
}
