// Text of unknown origin made fit for a terminal: what would move the cursor, change colours, make the
// terminal answer, or show text in another order than it has becomes a visible escape.
//
//   \x1b             a control character below U+0080, or a byte that is not part of UTF-8
//   \u0085 \u{e0041}  any other character that is escaped
//
// Line feeds and tabs stay, for they lay out text; so do the joiners U+200C and U+200D, which several
// scripts need. A backslash of the text itself stays single, so that JSON can be copied from a screen:
// the escapes show what is there and are not meant to be read back.

import { isUtf8 } from 'node:buffer'
import { asBuffer } from './as-buffer.ts'

/** Controls (C0, C1), format characters (bidi, zero-width, tags), line and paragraph separators. */
const unseen = /(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

export function printable(text: string): string {
  return text.replace(unseen, escaped)
}

/** The same for bytes: UTF-8 as text, and each byte that is not as `\xNN`. */
export function printableBytes(bytes: Uint8Array): string {
  const buffer = asBuffer(bytes)
  if (isUtf8(buffer)) return printable(buffer.toString('utf8'))
  let text = ''
  for (let at = 0; at < buffer.length; ) {
    const end = endOfCharacter(buffer, at)
    text += end === at ? byteEscape(buffer[at] ?? 0) : printable(buffer.toString('utf8', at, end))
    at = Math.max(end, at + 1)
  }
  return text
}

/** One line whatever it holds: for names and messages that share a line with text of ours. */
export function oneLine(text: string): string {
  return text.replace(/[\n\r]/g, (character) => (character === '\n' ? '\\n' : '\\r'))
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0
  if (code < 0x80) return byteEscape(code)
  const hex = code.toString(16)
  return code > 0xffff ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`
}

function byteEscape(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`
}

/** @returns `at` when no UTF-8 character begins there */
function endOfCharacter(bytes: Buffer, at: number): number {
  const lead = bytes[at] ?? 0
  const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
  const end = at + length
  return end <= bytes.length && isUtf8(bytes.subarray(at, end)) ? end : at
}
