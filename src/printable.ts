// Text of unknown origin made fit for a terminal: what would move the cursor, change colours, make the
// terminal answer, or show text in another order than it has becomes something visible. In layers:
//
//   printable   for text that flows: it keeps its lines and tabs, and nothing in it is obeyed
//   oneLine     for names and messages that share a line with text of ours
//   visible     for one cell of a screen: each character has a known width as well
//
// What flows is escaped, and says exactly what is there:
//
//   \x1b             a control character below U+0080, or a byte that is not part of UTF-8
//   \u0085 \u{e0041}  any other character that is escaped
//
// Line feeds and tabs stay, for they lay out text; so do the joiners U+200C and U+200D, which several
// scripts need. A backslash of the text itself stays single, so that JSON can be copied from a screen:
// the escapes show what is there and are not meant to be read back.
//
// A cell has no room for that: one character stands for each that is not shown. Sequences whose width
// terminals do not agree about (joined emoji, skin tones, variation selectors) are taken apart first.

import { isUtf8 } from 'node:buffer'
import { asBuffer } from './as-buffer.ts'

/** Controls (C0, C1), format characters (bidi, zero-width, tags), line and paragraph separators. */
const unseen = String.raw`\p{Cc}\p{Cf}\p{Zl}\p{Zp}`

const unseenInText = new RegExp(String.raw`(?![\n\t\u200c\u200d])[${unseen}]`, 'gu')

export function printable(text: string): string {
  return text.replace(unseenInText, escaped)
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

// --- cells -----------------------------------------------------------------------------------------

/** The same, lone surrogates, marks that enclose, and letters without ink. */
const unseenInCell = new RegExp(String.raw`[${unseen}\p{Cs}\p{Me}\u115f\u1160\u3164\uffa0]`, 'u')

/** Unassigned or private. */
const ofUnknownWidth = /[\p{Cn}\p{Co}]/u

/** More marks than that on one letter climb over the lines above. */
const marksMax = 2

/** Pictures for control characters (U+2400 …), a dot in the middle for what shows no width. */
export function visible(text: string): string {
  if (isPlain(text)) return text
  let out = ''
  let marks = marksMax // a mark needs a letter before it
  let afterEmoji = false
  for (const char of text.normalize('NFC')) {
    const code = char.codePointAt(0) ?? 0
    // Only how the emoji before it is drawn: joiners, variation selectors, skin tones.
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

/** ASCII that is shown as it is: most of all text. */
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

/** A mark that is drawn over the letter before it and takes no column of its own. */
export function isMark(code: number): boolean {
  return code >= 0x300 && /\p{Mn}/u.test(String.fromCodePoint(code))
}
