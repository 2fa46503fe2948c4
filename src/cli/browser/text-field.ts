// One line of text that the user types, with a cursor in it. Pure.

export class TextField {
  readonly #textMax: number
  #before: string
  #after = ''

  constructor({ text = '', textMax }: { readonly text?: string; readonly textMax: number }) {
    this.#before = text
    this.#textMax = textMax
  }

  get text(): string {
    return this.#before + this.#after
  }

  /** The text at the left of the cursor. */
  get before(): string {
    return this.#before
  }

  get after(): string {
    return this.#after
  }

  /** @param key as blessed names it. @param char what the key types */
  press(key: string, char: string): void {
    switch (key) {
      case 'backspace':
        return this.#erase(1)
      case 'C-w':
        return this.#erase(/\S*\s*$/.exec(this.#before)?.[0].length ?? 0)
      case 'C-u':
        return this.#erase(this.#before.length)
      case 'delete':
        this.#after = Array.from(this.#after).slice(1).join('')
        return
      case 'left':
        return this.#move(Array.from(this.#before).length - 1)
      case 'right':
        return this.#move(Array.from(this.#before).length + 1)
      case 'home':
      case 'C-a':
        return this.#move(0)
      case 'end':
      case 'C-e':
        return this.#move(this.#textMax)
    }
    // Control characters do not belong in a line.
    if (/^[^\p{Cc}]+$/u.test(char) && this.text.length < this.#textMax) this.#before += char
  }

  /**
   * Pasted text: one of several lines stays as it is, without the last line break, or becomes one line.
   */
  paste(text: string, keepsLines: boolean): void {
    const lines = text.replace(/\r\n?/g, '\n').replace(/\n$/, '')
    const kept = keepsLines ? lines : lines.replaceAll('\n', ' ')
    for (const char of kept.replace(/(?![\n\t])\p{Cc}/gu, '')) {
      if (this.text.length + char.length > this.#textMax) return
      this.#before += char
    }
  }

  #erase(count: number): void {
    const chars = Array.from(this.#before)
    this.#before = chars.slice(0, Math.max(0, chars.length - count)).join('')
  }

  #move(to: number): void {
    const chars = Array.from(this.text)
    const at = Math.max(0, Math.min(chars.length, to))
    this.#before = chars.slice(0, at).join('')
    this.#after = chars.slice(at).join('')
  }
}
