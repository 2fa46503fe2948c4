// What both ends of a peer link share before the hellos: the options of the link, the bound on its
// first frame, and the encoding of a greeting.

import { limits } from '../../limits.ts'
import { ProtocolError } from '../../protocol/error-codes.ts'
import { encodeGreeting, type Greeting } from '../../protocol/peer/hello.ts'
import type { FirstBytes, Link, LinkOptions } from '../../protocol/transport/transport.ts'

export const peerLinkOptions: LinkOptions = {
  frameBytesMax: limits.peerFrameBytesMax,
  greetingBytesMax: limits.peerHelloBytesMax,
  queueBytesMax: limits.peerQueueBytesMax,
  handshakeMs: 3000,
  // Both ends of a peer link write at any time: pausing could make each wait for the other.
  pauseWhenCongested: false,
  reusesBuffers: true,
  port: 'peer',
}

/** Refuses a first frame that is too long for a hello, so that no memory is reserved for it. */
export function boundHello(bytes: Buffer): FirstBytes {
  if (bytes.length < 4) return 'more'
  const length = bytes.readUInt32BE(0)
  if (length <= limits.peerHelloBytesMax) return 'frames'
  throw new ProtocolError(`Cannot take a first frame of ${length} bytes for a hello`)
}

export function writeGreeting(link: Link, greeting: Greeting, version: number): void {
  const out = link.beginFrame()
  encodeGreeting(out, greeting, version)
  link.endFrame()
}
