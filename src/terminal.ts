// The capabilities of a terminal, determined once for logs, the shell, progress and the screen. The
// process's environment is passed in.

export type Environment = Readonly<Record<string, string | undefined>>

export interface TerminalOutput {
  readonly isTTY?: boolean
  /** bits, as of node's tty.WriteStream */
  getColorDepth?(environment?: object): number
}

/** Whether the cursor can be moved and lines redrawn: on a terminal that TERM names. */
export function canDraw({ isTTY }: TerminalOutput, { TERM = '' }: Environment): boolean {
  return isTTY === true && TERM !== '' && TERM !== 'dumb' && TERM !== 'unknown'
}

/**
 * Whether text may be coloured: if the terminal has colours and NO_COLOR (no-color.org) is not set.
 */
export function hasColors(output: TerminalOutput, environment: Environment): boolean {
  if (!canDraw(output, environment)) return false
  // Called without NO_COLOR, because node honours even an empty one.
  const { NO_COLOR = '', ...rest } = environment
  return NO_COLOR === '' && (output.getColorDepth?.(rest) ?? 1) >= 4
}

/**
 * Whether the background is light, as far as the terminal tells it: rxvt, Konsole and others set COLORFGBG
 * to the numbers of its colours, the background's last.
 */
export function hasLightBackground({ COLORFGBG = '' }: Environment): boolean {
  return /;(?:7|15)$/.test(COLORFGBG)
}

/** Whether the locale says that text is UTF-8. */
export function hasUnicode({ LC_ALL, LC_CTYPE, LANG }: Environment): boolean {
  const locale = [LC_ALL, LC_CTYPE, LANG].find((value) => value !== undefined && value !== '')
  return /utf-?8/i.test(locale ?? '')
}
