// The terminal around a ConsumerView: draws its frames, and passes keys to the view.
//
// It draws at most `framesPerSecond` times a second, however much happens. blessed knows the
// terminal's codes and keys, writes only changed cells, and restores the terminal when the process
// ends, even after an uncaught error. Its own boxes are not used: a frame has the contents of every
// cell.

import blessed from 'blessed'
import { codeColumns, toAscii } from './cells.ts'
import { drawFrame } from './consumer-frame.ts'
import type { ConsumerView, ViewAction } from './consumer-view.ts'
import { FrameCache } from './frame-cache.ts'
import type { Line } from './screen-lines.ts'
import { type Look, type Style, styleOf } from './screen-palette.ts'

const framesPerSecond = 15
/** Rate, lag and health change even without records. */
const idleFrameMs = 500

/** blessed's buffer of the screen: rows of cells, each [attributes, character]. */
type Cells = ([number, string][] & { dirty?: boolean })[]

/** Fields that blessed's types leave out. */
interface Inner {
  readonly lines: Cells
  readonly tput: { brokenACS: boolean; colors: number }
}

export class ConsumerScreen {
  readonly #view: ConsumerView
  readonly #nowMs: () => number
  readonly #onAction: (action: ViewAction) => void
  readonly #look: Look
  readonly #screen: blessed.Widgets.Screen
  readonly #cache = new FrameCache()
  readonly #idle: NodeJS.Timeout
  #due: NodeJS.Timeout | undefined
  #closed = false

  constructor(options: {
    readonly view: ConsumerView
    readonly look: Look
    readonly nowMs: () => number
    /** for keys that do more than change the view */
    readonly onAction: (action: ViewAction) => void
  }) {
    this.#view = options.view
    this.#look = options.look
    this.#nowMs = options.nowMs
    this.#onAction = options.onAction
    useWidthsOfToday()
    const { unicode } = options.look
    this.#screen = blessed.screen({
      smartCSR: true,
      fullUnicode: unicode,
      forceUnicode: unicode,
      title: `zw ${options.view.topic}`,
      // The default, true, sends queries that some terminals answer with garbage.
      warnings: false,
    })
    // Lines are drawn with characters if available: switching character sets instead gets lost in
    // multiplexers and copies.
    if (unicode) this.#inner.tput.brokenACS = true
    // blessed cannot read today's terminfo and falls back to 8 colours, in which grey is black.
    this.#inner.tput.colors = paletteColours
    this.#screen.on(
      'keypress',
      (char: string | undefined, key: blessed.Widgets.Events.IKeyEventArg) =>
        this.#pressed(char, key),
    )
    // Emitted before blessed writes cells, also after a change of size.
    this.#screen.on('prerender', () => this.#paint())
    this.#idle = setInterval(() => this.refresh(), idleFrameMs)
    this.#screen.render()
  }

  get #inner(): Inner {
    return this.#screen as unknown as Inner
  }

  /** Schedules a redraw, one for all calls until then. */
  refresh(): void {
    if (this.#closed || this.#due !== undefined) return
    this.#due = setTimeout(() => {
      this.#due = undefined
      this.#screen.render()
    }, 1000 / framesPerSecond)
  }

  /** Restores the terminal. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#idle)
    clearTimeout(this.#due)
    this.#screen.destroy()
  }

  #pressed(char: string | undefined, { full, name }: blessed.Widgets.Events.IKeyEventArg): void {
    const key = full ?? name ?? char ?? ''
    // Clears the output of other programs.
    if (key === 'C-l') this.#screen.realloc()
    const action = this.#view.press(key)
    this.refresh()
    if (action !== undefined) this.#onAction(action)
  }

  #paint(): void {
    if (this.#closed) return
    const size = { columns: this.#screen.width as number, rows: this.#screen.height as number }
    const frame = drawFrame(this.#view, size, this.#nowMs(), this.#cache)
    const { lines } = this.#inner
    for (const [y, line] of frame.entries()) {
      const cells = lines[y]
      if (cells === undefined) continue
      paintLine(line, cells, this.#look)
      cells.dirty = true
    }
  }
}

/** A wide character leaves the next cell blank; a mark joins the previous cell. */
function paintLine(line: Line, cells: [number, string][], look: Look): void {
  let x = 0
  for (const { text, tone } of line) {
    const attributes = pack(styleOf(tone, look))
    for (const char of look.unicode ? text : toAscii(text)) {
      const width = codeColumns(char.codePointAt(0) ?? 0)
      const cell = cells[width === 0 ? x - 1 : x]
      if (cell === undefined) continue
      cell[0] = attributes
      cell[1] = width === 0 ? cell[1] + char : char
      const behind = cells[x + 1]
      if (width === 2 && behind !== undefined) {
        behind[0] = attributes
        behind[1] = ' '
      }
      x += width
    }
  }
}

const paletteColours = 16
const ownColour = 0x1ff
const attributeBits = { bold: 1, underline: 2, inverse: 8 } as const

/** blessed's attributes: flags, foreground, background, nine bits each. */
function pack({ foreground, background, bold, underline, inverse }: Style): number {
  const flags =
    (bold ? attributeBits.bold : 0) |
    (underline ? attributeBits.underline : 0) |
    (inverse ? attributeBits.inverse : 0)
  return (flags << 18) | ((foreground ?? ownColour) << 9) | (background ?? ownColour)
}

/**
 * Gives blessed the widths that frames are laid out with. Its own tables date from 2007 and lack
 * emoji, and one wrong width shifts the rest of a line.
 */
function useWidthsOfToday(): void {
  const { unicode } = blessed as unknown as { unicode: { charWidth: (text: string) => number } }
  unicode.charWidth = (text) => {
    const code = text.codePointAt(0) ?? 0
    return code < 0x20 ? 0 : codeColumns(code)
  }
}
