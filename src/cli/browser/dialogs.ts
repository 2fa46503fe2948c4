// What the user types into, one at a time: the prompt's line, and the forms. Keys and pasted text go to the
// one that is open, and what comes of a form's request comes back to it, even if it was closed. Pure.

import type { BrowserEffect } from './browser-inputs.ts'
import { type Exported, type ExportForm, type ExportRequest, exportedText } from './export-form.ts'
import { type Produced, ProduceForm, producedText } from './produce-form.ts'
import { Prompt, type PromptKind } from './prompt.ts'
import { parseFilter, type RecordFilter } from './record-filter.ts'
import { movedText, type ResetForm, type ResetOutcome, type ResetRequest } from './reset-form.ts'
import { parseSeek } from './seek-target.ts'
import type { TypedKey } from './typed-key.ts'

export type Dialog =
  | { readonly type: 'prompt'; readonly prompt: Prompt }
  | { readonly type: 'produce'; readonly form: ProduceForm }
  | { readonly type: 'export'; readonly form: ExportForm }
  | { readonly type: 'reset'; readonly form: ResetForm }

const nothing: readonly BrowserEffect[] = []

export class Dialogs {
  readonly #onSearch: (filter: RecordFilter | undefined) => void
  #open: Dialog | undefined
  /** It keeps what was typed, so that a similar record can follow. */
  readonly #produce = new ProduceForm()
  #export: ExportForm | undefined
  #reset: ResetForm | undefined
  /** of the last search: offered again */
  #lastSearch = ''

  /** @param onSearch undefined: the search ends */
  constructor(onSearch: (filter: RecordFilter | undefined) => void) {
    this.#onSearch = onSearch
  }

  get open(): Dialog | undefined {
    return this.#open
  }

  ask(kind: PromptKind, text: string): void {
    const prompt = new Prompt(kind, kind === 'search' && text === '' ? this.#lastSearch : text)
    this.#open = { type: 'prompt', prompt }
  }

  openProduce(): void {
    this.#produce.opened()
    this.#open = { type: 'produce', form: this.#produce }
  }

  openExport(form: ExportForm): void {
    this.#export = form
    this.#open = { type: 'export', form }
  }

  openReset(form: ResetForm): void {
    this.#reset = form
    this.#open = { type: 'reset', form }
  }

  press(dialog: Dialog, key: TypedKey): readonly BrowserEffect[] {
    switch (dialog.type) {
      case 'prompt':
        return this.#inPrompt(dialog.prompt, key)
      case 'produce': {
        const action = dialog.form.press(key)
        if (action?.type === 'close') this.#open = undefined
        return action?.type === 'send' ? [{ type: 'produce', record: action.record }] : nothing
      }
      case 'export': {
        const action = dialog.form.press(key)
        if (action?.type === 'close') this.#open = undefined
        return action?.type === 'write' ? [{ type: 'export', request: action.request }] : nothing
      }
      case 'reset': {
        const action = dialog.form.press(key)
        if (action?.type === 'close') this.#open = undefined
        return action?.type === 'ask' ? [{ type: 'reset', request: action.request }] : nothing
      }
    }
  }

  paste(text: string): void {
    const open = this.#open
    if (open === undefined) return
    if (open.type === 'prompt') open.prompt.paste(text)
    else open.form.paste(text)
  }

  /** The form may be closed: the event tells it, too. */
  produced(outcome: Produced): readonly BrowserEffect[] {
    this.#produce.settled(outcome)
    return [tell(producedText(outcome))]
  }

  exported(request: ExportRequest, outcome: Exported): readonly BrowserEffect[] {
    this.#export?.settled(request, outcome)
    return [tell(exportedText(outcome))]
  }

  /** A plan is only looked at; that the offsets moved, or did not, is told wherever the user is. */
  resetAnswered(request: ResetRequest, outcome: ResetOutcome): readonly BrowserEffect[] {
    this.#reset?.settled(request, outcome)
    switch (outcome.type) {
      case 'planned':
        return nothing
      case 'moved':
        return [tell(movedText(request.group, outcome.count))]
      case 'failed':
        return [tell(outcome.message)]
    }
  }

  #inPrompt(prompt: Prompt, { key, char, wallMs }: TypedKey): readonly BrowserEffect[] {
    const end = prompt.press(key, char)
    if (end === undefined) return nothing
    this.#open = undefined
    if (end.type === 'cancelled') return nothing
    return prompt.kind === 'search' ? this.#search(end.text) : this.#seek(end.text, wallMs)
  }

  #search(text: string): readonly BrowserEffect[] {
    const filter = parseFilter(text)
    if (filter !== undefined && 'problem' in filter) {
      this.#open = { type: 'prompt', prompt: new Prompt('search', text) }
      return [tell(`cannot search: ${filter.problem}`)]
    }
    this.#lastSearch = filter?.text ?? ''
    this.#onSearch(filter)
    return nothing
  }

  #seek(text: string, wallMs: number): readonly BrowserEffect[] {
    if (text.trim() === '') return nothing
    const seek = parseSeek(text, wallMs)
    if (seek === undefined) {
      this.#open = { type: 'prompt', prompt: new Prompt('seek', text) }
      return [tell('not a place: start end OFFSET PARTITION/OFFSET -COUNT 21:04 10m @MS')]
    }
    return [{ type: 'seek', ...seek }]
  }
}

export function tell(text: string): BrowserEffect {
  return { type: 'tell', text }
}
