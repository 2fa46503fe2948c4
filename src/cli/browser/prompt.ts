// A question that the user answers with one line of text. Pure.

import { TextField } from './text-field.ts'

export type PromptKind = 'search' | 'seek'

/** What a key did to the prompt. */
export type PromptEnd =
  | { readonly type: 'entered'; readonly text: string }
  | { readonly type: 'cancelled' }

const textMax = 500

export class Prompt {
  readonly kind: PromptKind
  readonly field: TextField

  constructor(kind: PromptKind, text = '') {
    this.kind = kind
    this.field = new TextField({ text, textMax })
  }

  get text(): string {
    return this.field.text
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
    }
    this.field.press(key, char)
    return undefined
  }

  paste(text: string): void {
    this.field.paste(text, false)
  }
}
