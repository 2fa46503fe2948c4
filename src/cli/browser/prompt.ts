// A line of text that the user types. Pure.

export type PromptKind = 'search' | 'seek'

/** What a key did to the prompt. */
export type PromptEnd =
  | { readonly type: 'entered'; readonly text: string }
  | { readonly type: 'cancelled' }

const textMax = 500

export class Prompt {
  readonly kind: PromptKind
  #before: string
  #after = ''

  constructor(kind: PromptKind, text = '') {
    this.kind = kind
    this.#before = text
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

  /** @param char what the key types. @returns undefined while the user is typing */
  press(key: string, char: string): PromptEnd | undefined {
    switch (key) {
      case 'enter':
        return { type: 'entered', text: this.text }
      case 'escape':
      case 'C-c':
      case 'C-g':
        return { type: 'cancelled' }
      case 'backspace':
        return this.#erase(1)
      case 'C-w':
        return this.#erase(/\S*\s*$/.exec(this.#before)?.[0].length ?? 0)
      case 'C-u':
        return this.#erase(this.#before.length)
      case 'delete':
        this.#after = Array.from(this.#after).slice(1).join('')
        return undefined
      case 'left':
        return this.#move(Array.from(this.#before).length - 1)
      case 'right':
        return this.#move(Array.from(this.#before).length + 1)
      case 'home':
      case 'C-a':
        return this.#move(0)
      case 'end':
      case 'C-e':
        return this.#move(textMax)
    }
    // Control characters do not belong in a line.
    if (/^[^\p{Cc}]+$/u.test(char) && this.text.length < textMax) this.#before += char
    return undefined
  }

  #erase(count: number): undefined {
    const chars = Array.from(this.#before)
    this.#before = chars.slice(0, Math.max(0, chars.length - count)).join('')
    return undefined
  }

  #move(to: number): undefined {
    const chars = Array.from(this.text)
    const at = Math.max(0, Math.min(chars.length, to))
    this.#before = chars.slice(0, at).join('')
    this.#after = chars.slice(at).join('')
    return undefined
  }
}
