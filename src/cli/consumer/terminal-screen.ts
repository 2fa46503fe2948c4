// A terminal that shows frames, and passes keys and the mouse on.
//
// It draws at most `framesPerSecond` times a second, however much happens. blessed knows the
// terminal's codes and keys, writes only changed cells, and restores the terminal when the process
// ends, even after an uncaught error. Its own boxes are not used: a frame has the contents of every
// cell, and text is never read as blessed's markup.

import blessed from 'blessed'
import { systemClock } from '../../clock.ts'
import { codeColumns, toAscii } from './cells.ts'
import type { Frame, Line, Size } from './screen-lines.ts'
import { type Look, type Style, styleOf } from './screen-palette.ts'
import { TypedInput } from './typed-input.ts'

const framesPerSecond = 15
/** Rate, lag and health change even without records. */
const idleFrameMs = 500

export interface MouseEvent {
  readonly type: 'click' | 'wheelUp' | 'wheelDown'
  /** from 0, at the left and at the top */
  readonly x: number
  readonly y: number
}

/** blessed's buffer of the screen: rows of cells, each [attributes, character]. */
type Cells = ([number, string][] & { dirty?: boolean })[]

/** Fields that blessed's types leave out. */
interface Inner {
  readonly lines: Cells
  readonly tput: { brokenACS: boolean; colors: number }
}

export class TerminalScreen {
  readonly #draw: (size: Size) => Frame
  readonly #look: Look
  readonly #screen: blessed.Widgets.Screen
  readonly #input: TypedInput
  readonly #idle: NodeJS.Timeout
  #due: NodeJS.Timeout | undefined
  #closed = false

  constructor(options: {
    readonly title: string
    readonly look: Look
    readonly draw: (size: Size) => Frame
    /**
     * @param key as blessed names it. @param char what it types, if it types anything
     * @param isBurst it came with others in one go
     */
    readonly onKey: (key: string, char: string, isBurst: boolean) => void
    /** When left out, pasted text is dropped: it presses no keys in any case. */
    readonly onPaste?: (text: string) => void
    /** When left out, the mouse stays the terminal's, which selects text with it. */
    readonly onMouse?: ((event: MouseEvent, size: Size) => void) | undefined
  }) {
    const { title, look, draw, onKey, onPaste, onMouse } = options
    this.#look = look
    this.#draw = draw
    this.#input = new TypedInput({
      clock: systemClock,
      onKey: (...key) => {
        onKey(...key)
        this.refresh()
      },
      onPaste: (text) => {
        onPaste?.(text)
        this.refresh()
      },
    })
    useWidthsOfToday()
    const { unicode } = look
    this.#screen = blessed.screen({
      smartCSR: true,
      fullUnicode: unicode,
      forceUnicode: unicode,
      title,
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
      (char: string | undefined, key: blessed.Widgets.Events.IKeyEventArg) => {
        const name = key.full ?? key.name ?? char ?? ''
        // Clears the output of other programs.
        if (name === 'C-l' && !this.#input.isPasting) this.#screen.realloc()
        this.#input.key(name, char ?? '')
      },
    )
    // blessed does not pass the marks of pasted text on.
    this.#screen.program.input.on('keypress', (_, key?: { readonly sequence?: string }) => {
      if (key?.sequence === pasteBegins) this.#input.pasteBegins()
      if (key?.sequence === pasteEnds) this.#input.pasteEnds()
    })
    this.#screen.program.write(marksPastes)
    // Emitted as well when the process ends with an error.
    this.#screen.on('destroy', () => process.stdout.write(marksNoPastes))
    if (onMouse !== undefined) {
      this.#screen.enableMouse()
      this.#screen.on('mouse', ({ action, x, y }: blessed.Widgets.Events.IMouseEventArg) => {
        const type = mouseTypes[action]
        if (type === undefined) return
        onMouse({ type, x, y }, this.#size)
        this.refresh()
      })
    }
    // Emitted before blessed writes cells, also after a change of size.
    this.#screen.on('prerender', () => this.#paint())
    this.#idle = setInterval(() => this.refresh(), idleFrameMs)
    this.#screen.render()
  }

  get #inner(): Inner {
    return this.#screen as unknown as Inner
  }

  get #size(): Size {
    return { columns: this.#screen.width as number, rows: this.#screen.height as number }
  }

  /** Schedules a redraw, one for all calls until then. */
  refresh(): void {
    if (this.#closed || this.#due !== undefined) return
    this.#due = setTimeout(() => {
      this.#due = undefined
      this.#screen.render()
    }, 1000 / framesPerSecond)
  }

  /** Passes bytes to the terminal's clipboard (OSC 52), which some terminals refuse. */
  copy(bytes: Uint8Array): void {
    if (this.#closed) return
    this.#screen.program.write(`\x1b]52;c;${Buffer.from(bytes).toString('base64')}\x07`)
  }

  /** Restores the terminal. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#input.close()
    clearInterval(this.#idle)
    clearTimeout(this.#due)
    this.#screen.destroy()
  }

  #paint(): void {
    if (this.#closed) return
    const { lines } = this.#inner
    for (const [y, line] of this.#draw(this.#size).entries()) {
      const cells = lines[y]
      if (cells === undefined) continue
      paintLine(line, cells, this.#look)
      cells.dirty = true
    }
  }
}

/** Bracketed paste (xterm's mode 2004): a terminal with it marks what is pasted. */
const marksPastes = '\x1b[?2004h'
const marksNoPastes = '\x1b[?2004l'
const pasteBegins = '\x1b[200~'
const pasteEnds = '\x1b[201~'

const mouseTypes: Readonly<Record<string, MouseEvent['type']>> = {
  mousedown: 'click',
  wheelup: 'wheelUp',
  wheeldown: 'wheelDown',
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
