// DER, the encoding of certificates and PKCS #12 files: nested values, each a tag, a length and its
// contents. Just enough to find names in certificates and certificates in stores; their signatures
// are verified by OpenSSL alone.
//
// Source: X.690.

import { ProtocolError } from '../error-codes.ts'

export const tags = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  sequence: 0x30,
  set: 0x31,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  universalString: 0x1c,
  bmpString: 0x1e,
  /** `[0]`, constructed and primitive */
  context0: 0xa0,
  context0Primitive: 0x80,
} as const

export interface Der {
  readonly tag: number
  readonly contents: Buffer
  /** tag, length and contents */
  readonly whole: Buffer
}

/** The bytes are not the structure that was expected. */
export class DerError extends ProtocolError {
  override readonly name = 'DerError'
}

/** The value that the bytes begin with; later ones are ignored. @throws DerError */
export function readDer(bytes: Buffer): Der {
  const tag = bytes[0]
  const short = bytes[1]
  if (tag === undefined || short === undefined) throw new DerError('Cannot read DER: it is cut off')
  if ((tag & 0x1f) === 0x1f) throw new DerError('Cannot read DER: a tag has several bytes')
  if (short < 0x80) return slice(bytes, { tag, start: 2, length: short })
  const lengthBytes = short & 0x7f
  if (lengthBytes === 0 || lengthBytes > 4) {
    throw new DerError('Cannot read DER: it is BER of indefinite length, or too long')
  }
  if (bytes.length < 2 + lengthBytes) throw new DerError('Cannot read DER: it is cut off')
  return slice(bytes, {
    tag,
    start: 2 + lengthBytes,
    length: bytes.readUIntBE(2, lengthBytes),
  })
}

function slice(
  bytes: Buffer,
  { tag, start, length }: { readonly tag: number; readonly start: number; readonly length: number },
): Der {
  const end = start + length
  if (end > bytes.length) throw new DerError('Cannot read DER: it is cut off')
  return { tag, contents: bytes.subarray(start, end), whole: bytes.subarray(0, end) }
}

/** The values in a constructed one. @throws DerError */
export function childrenOf({ contents }: Der): readonly Der[] {
  const children: Der[] = []
  for (let rest = contents; rest.length > 0; ) {
    const child = readDer(rest)
    children.push(child)
    rest = rest.subarray(child.whole.length)
  }
  return children
}

/** @throws DerError if it is another value, or missing */
export function expectDer(value: Der | undefined, tag: number): Der {
  if (value?.tag === tag) return value
  const found = value === undefined ? 'nothing' : `tag 0x${value.tag.toString(16)}`
  throw new DerError(`Cannot read DER: tag 0x${tag.toString(16)} was expected, there is ${found}`)
}

/** The values in a SEQUENCE. @throws DerError */
export function sequenceOf(value: Der | undefined): readonly Der[] {
  return childrenOf(expectDer(value, tags.sequence))
}

/** '1.2.840.113549.1.7.1' @throws DerError */
export function oidOf(value: Der | undefined): string {
  const { contents } = expectDer(value, tags.oid)
  const numbers: number[] = []
  let number = 0
  for (const byte of contents) {
    number = number * 128 + (byte & 0x7f)
    if (byte >= 0x80) continue
    numbers.push(number)
    number = 0
  }
  const [first = 0, ...rest] = numbers
  const top = Math.min(Math.floor(first / 40), 2)
  return [top, first - 40 * top, ...rest].join('.')
}

/** A small INTEGER, as counts are. @throws DerError */
export function integerOf(value: Der | undefined): number {
  const { contents } = expectDer(value, tags.integer)
  if (contents.length === 0 || contents.length > 6) {
    throw new DerError(`Cannot read DER: an integer has ${contents.length} bytes`)
  }
  return contents.readUIntBE(0, contents.length)
}

/** The text of a string value; undefined for another value. */
export function textOf({ tag, contents }: Der): string | undefined {
  switch (tag) {
    case tags.utf8String:
      return contents.toString('utf8')
    case tags.printableString:
    case tags.ia5String:
    case tags.teletexString:
      return contents.toString('latin1')
    case tags.bmpString:
      return contents.length % 2 === 0
        ? Buffer.from(contents).swap16().toString('utf16le')
        : undefined
  }
  return undefined
}
