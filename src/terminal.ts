// What a terminal can show, asked once for logs, the shell, progress and the screen. The environment is
// that of the process, passed in.

export type Environment = Readonly<Record<string, string | undefined>>

export interface TerminalOutput {
  readonly isTTY?: boolean
  /** bits, as of node's tty.WriteStream */
  getColorDepth?(environment?: object): number
}

/** Whether the cursor can be moved and lines drawn again: on a terminal that TERM names. */
export function canDraw({ isTTY }: TerminalOutput, { TERM = '' }: Environment): boolean {
  return isTTY === true && TERM !== '' && TERM !== 'dumb' && TERM !== 'unknown'
}

/** Whether text may be coloured: where the terminal has colours, unless NO_COLOR (no-color.org) is set. */
export function hasColors(output: TerminalOutput, environment: Environment): boolean {
  if (!canDraw(output, environment)) return false
  // Asked without NO_COLOR, of which node counts an empty one, too.
  const { NO_COLOR = '', ...rest } = environment
  return NO_COLOR === '' && (output.getColorDepth?.(rest) ?? 1) >= 4
}

/** Whether the locale says that text is UTF-8. */
export function hasUnicode({ LC_ALL, LC_CTYPE, LANG }: Environment): boolean {
  const locale = [LC_ALL, LC_CTYPE, LANG].find((value) => value !== undefined && value !== '')
  return /utf-?8/i.test(locale ?? '')
}
