// Text of unknown origin made fit for one cell of a terminal: no control characters, a known width.
//
// What could move the cursor, change colours, reorder or hide text is replaced by something visible.
// Characters that terminals disagree about (emoji, joined and combining ones) are replaced as well:
// blessed's tables are from 2015, and one wrong guess at a width shifts the whole screen.

/** Pictures for control characters (U+2400 …), a dot in the middle for what shows no width. */
export function visible(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text
  let out = ''
  for (const char of text.normalize('NFC')) {
    const code = char.codePointAt(0) ?? 0
    if (code < 0x20) out += String.fromCharCode(0x2400 + code)
    else if (code === 0x7f) out += '\u2421'
    else if (isUnseen(code)) out += '·'
    else if (code > 0xffff || isSymbol(code)) out += '□'
    else out += char
  }
  return out
}

/** C1 controls, zero-width and direction marks, combining marks, variation selectors, surrogates. */
function isUnseen(code: number): boolean {
  return (
    (code >= 0x80 && code < 0xa0) ||
    code === 0xad ||
    (code >= 0x300 && code < 0x370) ||
    (code >= 0x200b && code < 0x2010) ||
    (code >= 0x2028 && code < 0x202f) ||
    (code >= 0x2060 && code < 0x2070) ||
    (code >= 0x20d0 && code < 0x2100) ||
    (code >= 0xd800 && code < 0xe000) ||
    (code >= 0xfe00 && code < 0xfe10) ||
    code === 0xfeff
  )
}

/** Blocks with emoji in them: clocks, weather, footballs, dingbats, stars. */
function isSymbol(code: number): boolean {
  return (
    (code >= 0x2310 && code < 0x2400) ||
    (code >= 0x25fb && code < 0x27c0) ||
    (code >= 0x2b00 && code < 0x2c00)
  )
}

/** Columns that a character takes which `visible` let through. */
function columnsOf(code: number): 1 | 2 {
  const wide =
    (code >= 0x1100 && code < 0x1160) ||
    (code >= 0x2e80 && code < 0xa4d0) ||
    (code >= 0xac00 && code < 0xd7a4) ||
    (code >= 0xf900 && code < 0xfb00) ||
    (code >= 0xfe30 && code < 0xfe70) ||
    (code >= 0xff00 && code < 0xff61) ||
    (code >= 0xffe0 && code < 0xffe7)
  return wide ? 2 : 1
}

export function columns(text: string): number {
  let count = 0
  for (let i = 0; i < text.length; i++) count += columnsOf(text.charCodeAt(i))
  return count
}

/** Exactly `width` columns: padded on the right, or cut with an ellipsis. */
export function fit(text: string, width: number): string {
  if (width <= 0) return ''
  const seen = visible(text)
  const wanted = columns(seen)
  if (wanted <= width) return seen + ' '.repeat(width - wanted)
  let out = ''
  let used = 0
  for (const char of seen) {
    const more = columnsOf(char.charCodeAt(0))
    if (used + more > width - 1) break
    out += char
    used += more
  }
  return `${out}…${' '.repeat(width - 1 - used)}`
}

/** The same, padded on the left: for numbers. */
export function fitRight(text: string, width: number): string {
  const seen = visible(text)
  const missing = width - columns(seen)
  return missing >= 0 ? ' '.repeat(missing) + seen : fit(text, width)
}

/** Braces would be read as blessed's markup. Call it last: it changes the length. */
export function escapeTags(text: string): string {
  return text.replaceAll(/[{}]/g, (brace) => (brace === '{' ? '{open}' : '{close}'))
}
