// Recognizes a foreign protocol by its first bytes, for the log: "a frame of 369295617 bytes" would
// not tell an operator that a client tried TLS. Pure; the transport uses it when a link ends before
// its hello was accepted.

import { ProtocolError } from './error-codes.ts'

/** Our three ports. */
export type PortName = 'client' | 'peer' | 'broker'

interface Speaker {
  readonly what: string
  readonly hint: string
  /** the port where it belongs */
  readonly port?: PortName
  readonly is: (bytes: Buffer) => boolean
}

/** How many first bytes are kept for recognition. */
export const openingBytesMax = 64

const unknownBytes = 'bytes of no protocol known here'

/** How many characters of a text are shown. */
const textShown = 24

const speakers: readonly Speaker[] = [
  {
    what: 'a TLS ClientHello',
    hint: 'this port speaks no TLS',
    // record, version 3.x; and the hello of SSL 2.0, in which old clients and scanners wrap theirs
    is: (bytes) =>
      (at(bytes, 0) === 0x16 && at(bytes, 1) === 3) ||
      ((at(bytes, 0) & 0x80) !== 0 && at(bytes, 2) === 1 && at(bytes, 3) <= 3),
  },
  {
    what: 'an HTTP request',
    hint: 'this port speaks no HTTP',
    is: begins(/^(GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|PRI) /),
  },
  {
    what: 'an HTTP response',
    hint: 'a web server answers there',
    is: begins(/^HTTP\/\d/),
  },
  { what: 'SSH', hint: 'this port speaks no SSH', is: begins(/^SSH-\d/) },
  {
    what: 'a PROXY protocol header',
    hint: 'this port reads none: turn it off in the load balancer',
    is: (bytes) =>
      begins(/^PROXY (TCP|UNKNOWN)/)(bytes) || beginsHex(/^0d0a0d0a000d0a515549540a/)(bytes),
  },
  { what: 'a Redis command', hint: 'this is no Redis', is: begins(/^\*\d+\r\n\$/) },
  { what: 'a mail client', hint: 'this port speaks no SMTP', is: begins(/^(EHLO|HELO) /i) },
  { what: 'an AMQP client', hint: 'this port speaks no AMQP', is: begins(/^AMQP/) },
  {
    what: 'a PostgreSQL client',
    hint: 'this is no PostgreSQL',
    // asks for TLS or GSS encryption, or begins protocol 3.x
    is: (bytes) => {
      if (bytes.length < 8 || bytes.readUInt32BE(0) > 10_000) return false
      const code = bytes.readUInt32BE(4)
      return code === 80_877_103 || code === 80_877_104 || code === 0x3_0000
    },
  },
  {
    what: 'a Remote Desktop client',
    hint: 'this port speaks no RDP',
    is: beginsHex(/^0300.{6}e0/),
  },
  { what: 'an SMB client', hint: 'this port speaks no SMB', is: beginsHex(/^00.{6}(ff|fe)534d42/) },
  {
    what: 'a ZooKeeper server that looks for a leader',
    hint: 'servers of ZooKeeper and ours form no ensemble',
    // QuorumCnxManager's protocol version, -65536 or -65535
    is: beginsHex(/^f{12}000[01]/),
  },
  {
    what: 'a ZooKeeper server that follows',
    hint: 'servers of ZooKeeper and ours form no ensemble',
    // QuorumPacket: FOLLOWERINFO or OBSERVERINFO, zxid, LearnerInfo of 20 bytes
    is: beginsHex(/^000000(0b|10).{16}00000014/),
  },
  {
    what: "a ZooKeeper client's hello",
    hint: 'it belongs on the client port of a ZooWeeper server',
    port: 'client',
    // protocol version 0, last zxid, time-out, session, password
    is: beginsHex(/^000000(1[c-f]|2.|30)00000000/),
  },
  {
    what: 'a Kafka client',
    hint: "it belongs on a broker's port",
    port: 'broker',
    is: isKafka,
  },
  {
    what: 'a client of a ZooWeeper server',
    hint: 'it belongs on the client port',
    port: 'client',
    is: beginsHex(/^00.{6}98..a6636c69656e74/),
  },
  {
    what: 'a server of a ZooWeeper ensemble',
    hint: 'it belongs on the peer port, the first of its server.N line',
    port: 'peer',
    is: beginsHex(/^00.{6}9...a470656572/),
  },
  {
    what: 'a client of a broker',
    hint: "it belongs on a broker's port",
    port: 'broker',
    is: beginsHex(/^00.{6}96..a6636c69656e74/),
  },
  {
    what: 'a broker',
    hint: "it belongs on a broker's port",
    port: 'broker',
    is: beginsHex(/^00.{6}9...a662726f6b6572/),
  },
]

/** The first bytes are not a hello for this port. */
export class StrangerError extends ProtocolError {
  /** the kind of stranger, the same for all of one kind */
  readonly what: string

  constructor(what: string, message: string, cause?: ProtocolError) {
    super(message, cause && { cause })
    this.what = what
  }
}

/** A key by which errors of many links are counted together. */
export function kindOf(error: ProtocolError): string {
  return 'what' in error ? `${error.what}` : 'broke the protocol'
}

/**
 * Names the protocol on a link that ended before its hello was accepted.
 *
 * @param opening its first bytes, at most `openingBytesMax`
 * @param port where it was accepted; undefined for a link that was dialled
 * @returns `error` itself if the protocol is the right one, only malformed
 */
export function named(
  error: ProtocolError,
  opening: Buffer,
  port: PortName | undefined,
): ProtocolError {
  const { what, hint, isRight } = recognize(opening, port)
  if (isRight) return error
  const message =
    what === unknownBytes ? `${error.message}; ${hint}` : `Cannot serve ${what}: ${hint}`
  return new StrangerError(what, message, error)
}

/** Plaintext on a port that speaks TLS only. @param opening its first bytes; none: it sent nothing */
export function inPlaintext(opening: Buffer): StrangerError {
  const what = opening.length === 0 ? 'a silent client' : recognize(opening, undefined).what
  const message = `Cannot serve ${what} in plaintext: this port speaks TLS only`
  return new StrangerError(`plaintext: ${what}`, message)
}

/** What arrived instead of a hello before the deadline. */
export function cameInstead(opening: Buffer, port: PortName | undefined): string {
  if (opening.length === 0) return 'nothing'
  const { what, isRight } = recognize(opening, port)
  return isRight ? 'only the beginning of one' : what
}

interface Recognized {
  readonly what: string
  readonly hint: string
  /** It is on the right port, or nothing indicates otherwise. */
  readonly isRight: boolean
}

function recognize(opening: Buffer, port: PortName | undefined): Recognized {
  const speaker = speakers.find(({ is }) => is(opening))
  if (speaker !== undefined) {
    const { what, hint, port: right } = speaker
    return { what, hint, isRight: right !== undefined && (port === undefined || right === port) }
  }
  if (isText(opening)) {
    const dots = opening.length > textShown ? ' …' : ''
    const text = JSON.stringify(opening.toString('latin1', 0, textShown))
    return { what: 'plain text', hint: `it began with ${text}${dots}`, isRight: false }
  }
  const hex = opening.toString('hex', 0, 8)
  return { what: unknownBytes, hint: `it began with 0x${hex}`, isRight: opening.length === 0 }
}

/**
 * Whether the bytes begin with a request header: api key and version, correlation id, client id.
 */
function isKafka(bytes: Buffer): boolean {
  if (bytes.length < 12 || bytes.readUInt32BE(0) > 100 * 1024 * 1024) return false
  const apiKey = bytes.readUInt16BE(4)
  const version = bytes.readUInt16BE(6)
  if (apiKey > 100 || version > 30 || (apiKey === 0 && version === 0)) return false
  if (bytes.length < 14) return true
  const clientIdBytes = bytes.readInt16BE(12)
  return clientIdBytes >= -1 && 10 + clientIdBytes <= bytes.readUInt32BE(0)
}

function isText(bytes: Buffer): boolean {
  return bytes.length > 0 && /^[\t\r\n\x20-\x7e]*$/.test(bytes.toString('latin1'))
}

function begins(pattern: RegExp): (bytes: Buffer) => boolean {
  return (bytes) => pattern.test(bytes.toString('latin1'))
}

/** Matches the pattern against hexadecimal digits; `..` is any byte. */
function beginsHex(pattern: RegExp): (bytes: Buffer) => boolean {
  return (bytes) => pattern.test(bytes.toString('hex'))
}

function at(bytes: Buffer, index: number): number {
  return bytes[index] ?? -1
}
