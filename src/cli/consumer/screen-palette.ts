// The look of a frame's lines on a terminal: colours if possible, otherwise bold, underline and
// inverse, so that important parts stay distinguishable.

import {
  canDraw,
  type Environment,
  hasColors,
  hasLightBackground,
  hasUnicode,
  type TerminalOutput,
} from '../../terminal.ts'
import type { Tone } from './screen-lines.ts'

export interface Look {
  readonly colours: boolean
  /** Yellow and cyan would be hard to read. */
  readonly isLight?: boolean
  /** otherwise only ASCII is written */
  readonly unicode: boolean
}

/** The sixteen colours of a terminal by number, as the user has configured them. */
const colours = {
  black: 0,
  red: 1,
  green: 2,
  yellow: 3,
  blue: 4,
  magenta: 5,
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

const { black, red, green, yellow, blue, magenta, cyan, white, grey } = colours

const coloured: Palette = {
  text: {},
  strong: { bold: true },
  quiet: { foreground: grey },
  good: { foreground: green, bold: true },
  warn: { foreground: yellow },
  bad: { foreground: red },
  here: { foreground: cyan, bold: true },
  selected: { inverse: true },
  match: { foreground: yellow, bold: true },
  border: { foreground: cyan },
  focus: { foreground: yellow, bold: true },
  bar: { foreground: white, background: blue },
  barStrong: { foreground: white, background: blue, bold: true },
  barGood: { foreground: black, background: green },
  barWarn: { foreground: black, background: yellow },
  barBad: { foreground: white, background: red, bold: true },
  barUnknown: { foreground: black, background: white },
}

const onLight: Palette = {
  ...coloured,
  warn: { foreground: magenta },
  here: { foreground: blue, bold: true },
  match: { foreground: magenta, bold: true },
  border: { foreground: blue },
  focus: { foreground: magenta, bold: true },
}

const colourless: Palette = {
  text: {},
  strong: { bold: true },
  quiet: {},
  good: { bold: true },
  warn: { underline: true },
  bad: { inverse: true },
  here: { bold: true },
  selected: { inverse: true },
  match: { bold: true, underline: true },
  border: {},
  focus: { bold: true },
  bar: { inverse: true },
  barStrong: { inverse: true, bold: true },
  barGood: { bold: true },
  barWarn: { bold: true, underline: true },
  barBad: { bold: true },
  barUnknown: {},
}

export function styleOf(tone: Tone, { colours, isLight = false }: Omit<Look, 'unicode'>): Style {
  if (!colours) return colourless[tone]
  return (isLight ? onLight : coloured)[tone]
}

/** The look for this terminal; undefined if it cannot be drawn on, so that lines are printed. */
export function lookOf(
  environment: Environment,
  {
    input,
    output,
  }: { readonly input: { readonly isTTY?: boolean }; readonly output: TerminalOutput },
): Look | undefined {
  // Without keys the user could not leave the screen.
  if (input.isTTY !== true || !canDraw(output, environment)) return undefined
  return {
    colours: hasColors(output, environment),
    isLight: hasLightBackground(environment),
    unicode: hasUnicode(environment),
  }
}
