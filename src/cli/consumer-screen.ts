// The terminal around a ConsumerView: puts its frames into blessed's boxes, and keys into the view.
//
// However much happens, it draws at most `framesPerSecond` times a second, and only as many lines as
// are seen: blessed looks at every character of every box each time. When the process ends, also by
// an error nobody caught, blessed gives the terminal back as it was.

import blessed from 'blessed'
import { drawFrame, type Box as FrameBox, RowLines, sizeMin } from './consumer-frame.ts'
import type { ConsumerView, ViewAction } from './consumer-view.ts'

const framesPerSecond = 15
/** Rate and lag change although nothing comes. */
const idleFrameMs = 500

/** Later ones cover earlier ones. */
const boxNames = ['table', 'servers', 'brokers', 'events', 'help'] as const

export class ConsumerScreen {
  readonly #view: ConsumerView
  readonly #nowMs: () => number
  readonly #onAction: (action: ViewAction) => void
  readonly #screen: blessed.Widgets.Screen
  readonly #lines = new RowLines()
  readonly #header: blessed.Widgets.BoxElement
  readonly #footer: blessed.Widgets.BoxElement
  readonly #boxes: Readonly<Record<(typeof boxNames)[number], blessed.Widgets.BoxElement>>
  readonly #idle: NodeJS.Timeout
  #due: NodeJS.Timeout | undefined
  #closed = false

  constructor(options: {
    readonly view: ConsumerView
    readonly nowMs: () => number
    /** of keys that mean more than what is shown */
    readonly onAction: (action: ViewAction) => void
  }) {
    this.#view = options.view
    this.#nowMs = options.nowMs
    this.#onAction = options.onAction
    this.#screen = blessed.screen({
      smartCSR: true,
      fullUnicode: true,
      title: `zw ${options.view.topic}`,
      // Its default is true, and asks the terminal for things that some answer with garbage.
      warnings: false,
    })
    // Lines are drawn with characters where there are such: the other way, switching character sets,
    // gets lost in multiplexers and copies.
    const tput = this.#screen.tput as unknown as { unicode: boolean; brokenACS: boolean }
    if (tput.unicode) tput.brokenACS = true
    const bar = (style: object) =>
      blessed.box({ parent: this.#screen, height: 1, width: '100%', tags: true, style })
    this.#header = bar({ bg: 'blue', fg: 'white' })
    this.#footer = bar({ inverse: true })
    this.#boxes = {
      table: this.#framed(),
      servers: this.#framed(),
      brokers: this.#framed(),
      events: this.#framed(),
      help: this.#framed(),
    }
    this.#screen.on(
      'keypress',
      (char: string | undefined, key: blessed.Widgets.Events.IKeyEventArg) =>
        this.#pressed(char, key),
    )
    this.#screen.on('resize', () => this.refresh())
    this.#idle = setInterval(() => this.refresh(), idleFrameMs)
    this.#draw()
  }

  #framed(): blessed.Widgets.BoxElement {
    return blessed.box({
      parent: this.#screen,
      border: 'line',
      tags: true,
      wrap: false,
      style: { border: { fg: 'cyan' }, label: { bold: true } },
    })
  }

  /** Draws soon, once for all calls until then. */
  refresh(): void {
    if (this.#closed || this.#due !== undefined) return
    this.#due = setTimeout(() => {
      this.#due = undefined
      this.#draw()
    }, 1000 / framesPerSecond)
  }

  /** Gives the terminal back. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#idle)
    clearTimeout(this.#due)
    this.#screen.destroy()
  }

  #pressed(char: string | undefined, { full, name }: blessed.Widgets.Events.IKeyEventArg): void {
    const action = this.#view.press(full ?? name ?? char ?? '')
    this.refresh()
    if (action !== undefined) this.#onAction(action)
  }

  #draw(): void {
    if (this.#closed) return
    const columns = this.#screen.width as number
    const rows = this.#screen.height as number
    if (columns < sizeMin.columns || rows < sizeMin.rows) {
      this.#say(`make this terminal ${sizeMin.columns}x${sizeMin.rows} or larger`)
    } else {
      const frame = drawFrame(this.#view, { columns, rows }, this.#nowMs(), this.#lines)
      this.#header.setContent(frame.header)
      this.#footer.top = rows - 1
      this.#footer.setContent(frame.footer)
      this.#footer.show()
      for (const name of boxNames) place(this.#boxes[name], frame[name])
    }
    this.#screen.render()
  }

  #say(text: string): void {
    for (const box of Object.values(this.#boxes)) box.hide()
    this.#footer.hide()
    this.#header.setContent(text)
  }
}

function place(box: blessed.Widgets.BoxElement, frame: FrameBox | undefined): void {
  if (frame === undefined) {
    box.hide()
    return
  }
  box.left = frame.left
  box.top = frame.top
  box.width = frame.width
  box.height = frame.height
  box.setLabel(frame.label)
  box.setContent(frame.lines.join('\n'))
  box.show()
}
