// Keys apart from pasted text. A terminal with bracketed paste marks the beginning and the end of what is
// pasted; keys in between are text. In any other, pasted text looks like keys: it is recognised by many
// of them coming in one go.
//
// terminal-screen.ts feeds it.

import type { Clock } from '../../clock.ts'

/** A paste whose end is lost is over when nothing more has come for this time. */
const pasteLullMs = 300

interface Key {
  readonly name: string
  readonly char: string
}

export class TypedInput {
  readonly #onKey: (key: string, char: string, isBurst: boolean) => void
  readonly #onPaste: (text: string) => void
  /** what was pasted so far; undefined: nothing is being pasted */
  #pasted: string[] | undefined
  readonly #clock: Clock
  #cancelLull: () => void = () => undefined
  /** keys of the present turn of the event loop */
  #keys: Key[] = []
  #isClosed = false

  constructor(options: {
    readonly clock: Clock
    /** @param isBurst it came with others in one go */
    readonly onKey: (key: string, char: string, isBurst: boolean) => void
    readonly onPaste: (text: string) => void
  }) {
    this.#clock = options.clock
    this.#onKey = options.onKey
    this.#onPaste = options.onPaste
  }

  get isPasting(): boolean {
    return this.#pasted !== undefined
  }

  /** @param name as blessed names it: Enter comes as `enter` and as `return` */
  key(name: string, char: string): void {
    if (name === 'return') return
    const isLine = name === 'enter' || name === 'linefeed'
    if (this.#pasted !== undefined) {
      this.#pasted.push(isLine ? '\n' : char)
      this.#awaitMore()
      return
    }
    // All keys that are read at once come within one turn.
    if (this.#keys.length === 0) queueMicrotask(() => this.#flush())
    this.#keys.push({ name: isLine ? 'enter' : name, char })
  }

  pasteBegins(): void {
    this.#flush()
    this.#pasted ??= []
    this.#awaitMore()
  }

  #awaitMore(): void {
    this.#cancelLull()
    this.#cancelLull = this.#clock.after(pasteLullMs, () => this.pasteEnds())
  }

  pasteEnds(): void {
    this.#cancelLull()
    const pasted = this.#pasted
    this.#pasted = undefined
    if (pasted !== undefined && !this.#isClosed) this.#onPaste(pasted.join(''))
  }

  close(): void {
    this.#isClosed = true
    this.#cancelLull()
  }

  #flush(): void {
    const keys = this.#keys
    this.#keys = []
    for (const { name, char } of keys) {
      if (!this.#isClosed) this.#onKey(name, char, keys.length > 1)
    }
  }
}
