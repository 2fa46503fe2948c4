// Text of unknown origin made fit for one cell of a terminal: no control characters, a known width.
//
// What could move the cursor, change colours, reorder or hide text is replaced by something visible.
// Widths are those of the present Unicode tables, which terminals of today agree about; sequences whose
// width they do not agree about (joined emoji, skin tones, variation selectors) are taken apart first.

import { eastAsianWidth } from 'get-east-asian-width'

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

function isPlain(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text)
}

function shownAs(char: string, code: number): string {
  if (code < 0x20) return String.fromCharCode(0x2400 + code)
  if (code === 0x7f) return '\u2421'
  if (code < 0x7f) return char
  // C1 controls, direction and zero-width marks, line separators, lone surrogates.
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Me}]|[\u115f\u1160\u3164\uffa0]/u.test(char)) return '·'
  // Unassigned or private: no terminal knows how wide it is.
  return /[\p{Cn}\p{Co}]/u.test(char) ? '□' : char
}

/** A mark that is drawn over the letter before it and takes no column of its own. */
export function isMark(code: number): boolean {
  return code >= 0x300 && /\p{Mn}/u.test(String.fromCodePoint(code))
}

/** Columns that a code point takes which `visible` let through. */
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

/** As much of it as `width` columns hold. */
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

/** The same in the middle. */
export function fitCentre(text: string, width: number): string {
  const seen = visible(text)
  const missing = width - columns(seen)
  return missing <= 0 ? fit(text, width) : fit(' '.repeat(Math.floor(missing / 2)) + seen, width)
}

/** `host:port`, cut in the host: the port tells apart what runs on one machine. */
export function fitAddress(address: string, width: number): string {
  const seen = visible(address)
  const colon = seen.lastIndexOf(':')
  const hostWidth = width - (columns(seen) - columns(seen.slice(0, colon)))
  if (columns(seen) <= width || colon < 0 || hostWidth < 2) return fit(seen, width)
  return fit(seen.slice(0, colon), hostWidth).trimEnd() + seen.slice(colon)
}

/** Breaks between words and behind commas; a longer piece is cut. Never empty. */
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
  ß: 'B',
  ø: 'o',
  Ø: 'O',
  ł: 'l',
  Ł: 'L',
  ı: 'i',
}

/** For a terminal that shows no more than ASCII: the same width, the nearest letters. */
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
