// The width of text in columns of a terminal, and text cut and padded to such a width.
//
// Widths follow the current Unicode tables, which today's terminals agree on once `visible`
// (printable.ts) has removed the characters they disagree on.

import { eastAsianWidth } from 'get-east-asian-width'
import { isMark, isPlain, visible } from '../../printable.ts'

/** Columns of a code point that passed `visible`. */
export function codeColumns(code: number): 0 | 1 | 2 {
  if (code < 0x300) return 1
  if (isMark(code)) return 0
  return eastAsianWidth(code)
}

export function columns(text: string): number {
  if (isPlain(text)) return text.length
  let count = 0
  for (const char of text) count += codeColumns(char.codePointAt(0) ?? 0)
  return count
}

/** Exactly `width` columns: padded on the right, or cut with an ellipsis. */
export function fit(text: string, width: number): string {
  if (width <= 0) return ''
  const seen = visible(text)
  const wanted = columns(seen)
  if (wanted <= width) return seen + ' '.repeat(width - wanted)
  const start = startOf(seen, width - 1)
  return `${start}…${' '.repeat(width - 1 - columns(start))}`
}

/** The longest prefix that fits `width` columns. */
function startOf(seen: string, width: number): string {
  let out = ''
  let used = 0
  for (const char of seen) {
    used += codeColumns(char.codePointAt(0) ?? 0)
    if (used > width) break
    out += char
  }
  return out
}

/** The same, padded on the left: for numbers. */
export function fitRight(text: string, width: number): string {
  const seen = visible(text)
  const missing = width - columns(seen)
  return missing >= 0 ? ' '.repeat(missing) + seen : fit(text, width)
}

/** The same, centred. */
export function fitCentre(text: string, width: number): string {
  const seen = visible(text)
  const missing = width - columns(seen)
  return missing <= 0 ? fit(text, width) : fit(' '.repeat(Math.floor(missing / 2)) + seen, width)
}

/** `host:port`, cut in the host: the port distinguishes processes on one machine. */
export function fitAddress(address: string, width: number): string {
  const seen = visible(address)
  const colon = seen.lastIndexOf(':')
  const hostWidth = width - (columns(seen) - columns(seen.slice(0, colon)))
  if (columns(seen) <= width || colon < 0 || hostWidth < 2) return fit(seen, width)
  return fit(seen.slice(0, colon), hostWidth).trimEnd() + seen.slice(colon)
}

/** Breaks between words and after commas; a longer piece is cut. Never empty. */
export function wrapWords(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of visible(text).split(/(?<=[ ,])/)) {
    if (line !== '' && columns((line + word).trimEnd()) > width) {
      lines.push(line.trimEnd())
      line = ''
    }
    let rest = line + word
    while (columns(rest.trimEnd()) > width) {
      const start = startOf(rest, width) || (Array.from(rest)[0] ?? '')
      lines.push(start)
      rest = rest.slice(start.length)
    }
    line = rest
  }
  return [...lines, line.trimEnd()]
}

const asciiOf: Readonly<Record<string, string>> = {
  '│': '|',
  '─': '-',
  '…': '~',
  '·': '.',
  '▸': '>',
  '↑': '^',
  '↓': 'v',
  '–': '-',
  '×': 'x',
  '▁': '_',
  '▂': '.',
  '▃': ':',
  '▄': '-',
  '▅': '=',
  '▆': '+',
  '▇': '*',
  '█': '#',
  ß: 'B',
  ø: 'o',
  Ø: 'O',
  ł: 'l',
  Ł: 'L',
  ı: 'i',
}

/** For a terminal limited to ASCII: the same width, the nearest letters. */
export function toAscii(text: string): string {
  if (isPlain(text)) return text
  let out = ''
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0
    if (code < 0x7f) out += char
    else if (code >= 0x2500 && code < 0x2580) out += asciiOf[char] ?? '+'
    else if (!isMark(code)) {
      const letter = asciiOf[char] ?? char.normalize('NFD')[0] ?? '?'
      out += letter.charCodeAt(0) < 0x7f ? letter : '?'.repeat(codeColumns(code))
    }
  }
  return out
}
