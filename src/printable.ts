// Text of unknown origin made safe for a terminal: characters that would move the cursor, change
// colours, make the terminal answer, or reorder the text become visible. In layers:
//
//   printable   for running text: keeps its lines and tabs, and cannot control the terminal
//   oneLine     for names and messages that share a line with our own text
//   visible     for one cell of a screen: each character also has a known width
//
// Running text is escaped, and shows exactly its contents:
//
//   \x1b             a control character below U+0080, or a byte that is not part of UTF-8
//   \u0085 \u{e0041}  any other character that is escaped
//
// Line feeds and tabs stay, because they lay out text; so do the joiners U+200C and U+200D, which
// several scripts need. A single backslash in the text stays single, so that JSON can be copied
// from a screen: the escapes show the contents and are not meant to be parsed.
//
// A cell has no room for escapes: one character stands for each hidden one. Sequences whose width
// differs between terminals (joined emoji, skin tones, variation selectors) are taken apart first.

import { isUtf8 } from 'node:buffer'
import { asBuffer } from './as-buffer.ts'

/** Controls (C0, C1), format characters (bidi, zero-width, tags), line and paragraph separators. */
const unseen = String.raw`\p{Cc}\p{Cf}\p{Zl}\p{Zp}`

const unseenInText = new RegExp(String.raw`(?![\n\t\u200c\u200d])[${unseen}]`, 'gu')

export function printable(text: string): string {
  return text.replace(unseenInText, escaped)
}

/** The same for bytes: UTF-8 as text, and any other byte as `\xNN`. */
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

/** One line, whatever the contents: for names and messages that share a line with our own text. */
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

/** @returns `at` if no UTF-8 character begins there */
function endOfCharacter(bytes: Buffer, at: number): number {
  const lead = bytes[at] ?? 0
  const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
  const end = at + length
  return end <= bytes.length && isUtf8(bytes.subarray(at, end)) ? end : at
}

// --- cells -----------------------------------------------------------------------------------------

/** The same, and lone surrogates, enclosing marks, and letters without ink. */
const unseenInCell = new RegExp(String.raw`[${unseen}\p{Cs}\p{Me}\u115f\u1160\u3164\uffa0]`, 'u')

/** Unassigned or private. */
const ofUnknownWidth = /[\p{Cn}\p{Co}]/u

/** More marks than this on one letter would overlap the lines above. */
const marksMax = 2

/** Pictures for control characters (U+2400 …), a middle dot for characters without width. */
export function visible(text: string): string {
  if (isPlain(text)) return text
  let out = ''
  let marks = marksMax // a mark needs a letter before it
  let afterEmoji = false
  for (const char of text.normalize('NFC')) {
    const code = char.codePointAt(0) ?? 0
    // Joiners, variation selectors and skin tones only change how the preceding emoji is drawn.
    if (code === 0xfe0e || code === 0xfe0f) continue
    if (afterEmoji && (code === 0x200d || (code >= 0x1f3fb && code <= 0x1f3ff))) continue
    if (isMark(code)) {
      if (marks++ < marksMax) out += char
      else if (marks === marksMax + 1) out += '·'
      continue
    }
    const shown = shownAs(char, code)
    out += shown
    marks = shown === char && code !== 0x20 ? 0 : marksMax
    afterEmoji = /\p{Extended_Pictographic}/u.test(char)
  }
  return out
}

/** ASCII that is shown unchanged: most text. */
export function isPlain(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text)
}

function shownAs(char: string, code: number): string {
  if (code < 0x20) return String.fromCharCode(0x2400 + code)
  if (code === 0x7f) return '\u2421'
  if (code < 0x7f) return char
  if (unseenInCell.test(char)) return '·'
  return ofUnknownWidth.test(char) ? '□' : char
}

/** A mark that is drawn over the preceding letter and takes no column. */
export function isMark(code: number): boolean {
  return code >= 0x300 && /\p{Mn}/u.test(String.fromCodePoint(code))
}
