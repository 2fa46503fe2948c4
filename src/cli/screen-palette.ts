// How a line of a frame looks on a terminal: colours where there may be any, and otherwise what every
// terminal has, bold, underline and inverse, so that what matters is still told apart.

import type { Tone } from './screen-lines.ts'

export interface Look {
  readonly colours: boolean
  /** otherwise nothing but ASCII is written */
  readonly unicode: boolean
}

/** The sixteen colours of a terminal by number, as its user has chosen them. */
const colours = {
  black: 0,
  red: 1,
  green: 2,
  yellow: 3,
  blue: 4,
  cyan: 6,
  white: 7,
  grey: 8,
} as const

export interface Style {
  /** by number; undefined: the terminal's own */
  readonly foreground?: number
  readonly background?: number
  readonly bold?: boolean
  readonly underline?: boolean
  readonly inverse?: boolean
}

type Palette = Readonly<Record<Tone, Style>>

const { black, red, green, yellow, blue, cyan, white, grey } = colours

const coloured: Palette = {
  text: {},
  strong: { bold: true },
  quiet: { foreground: grey },
  good: { foreground: green, bold: true },
  warn: { foreground: yellow },
  bad: { foreground: red },
  here: { foreground: cyan, bold: true },
  border: { foreground: cyan },
  focus: { foreground: yellow, bold: true },
  bar: { foreground: white, background: blue },
  barStrong: { foreground: white, background: blue, bold: true },
  barGood: { foreground: black, background: green },
  barWarn: { foreground: black, background: yellow },
  barBad: { foreground: white, background: red, bold: true },
  barUnknown: { foreground: black, background: white },
}

const colourless: Palette = {
  text: {},
  strong: { bold: true },
  quiet: {},
  good: { bold: true },
  warn: { underline: true },
  bad: { inverse: true },
  here: { bold: true },
  border: {},
  focus: { bold: true },
  bar: { inverse: true },
  barStrong: { inverse: true, bold: true },
  barGood: { bold: true },
  barWarn: { bold: true, underline: true },
  barBad: { bold: true },
  barUnknown: {},
}

export function styleOf(tone: Tone, look: Pick<Look, 'colours'>): Style {
  return (look.colours ? coloured : colourless)[tone]
}

/** Standard input and output, as far as they matter here. */
export interface TerminalStreams {
  readonly input: { readonly isTTY?: boolean }
  readonly output: {
    readonly isTTY?: boolean
    /** bits, as of node's tty.WriteStream */
    getColorDepth?(environment?: object): number
  }
}

/** What the environment says of a terminal; undefined: it cannot be drawn on, lines it has to be. */
export function lookOf(
  environment: NodeJS.ProcessEnv,
  { input, output }: TerminalStreams,
): Look | undefined {
  if (input.isTTY !== true || output.isTTY !== true) return undefined
  const { TERM, NO_COLOR, LC_ALL, LC_CTYPE, LANG } = environment
  if (TERM === undefined || TERM === '' || TERM === 'dumb' || TERM === 'unknown') return undefined
  const locale = [LC_ALL, LC_CTYPE, LANG].find((value) => value !== undefined && value !== '')
  // Asked without NO_COLOR, of which node counts an empty one, too.
  const { NO_COLOR: _, ...rest } = environment
  const depth = output.getColorDepth?.(rest) ?? 1
  return {
    colours: (NO_COLOR === undefined || NO_COLOR === '') && depth >= 4,
    unicode: /utf-?8/i.test(locale ?? ''),
  }
}
