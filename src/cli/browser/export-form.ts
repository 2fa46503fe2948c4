// The form that writes records to a file: its path and format, and what came of it. Pure. The records are
// those of the moment when it was opened.
//
// Next on the path: form-frame.ts draws it; export-file.ts writes the file.

import type { ShownRecord } from './shown-record.ts'
import { TextField } from './text-field.ts'
import { burstProblem, type TypedKey } from './typed-key.ts'

export const exportFormats = ['json', 'values'] as const
export type ExportFormat = (typeof exportFormats)[number]

export const exportFields = ['path', 'format'] as const
export type ExportField = (typeof exportFields)[number]

/** What came of it. */
export type Exported =
  /** path: in full */
  | {
      readonly type: 'written'
      readonly path: string
      readonly count: number
      readonly bytes: number
    }
  /** nothing is written: the user is asked */
  | { readonly type: 'exists'; readonly path: string }
  | { readonly type: 'failed'; readonly message: string }

export type ExportState =
  | { readonly type: 'editing' }
  | { readonly type: 'refused'; readonly problem: string }
  | { readonly type: 'writing' }
  | Exported

export interface ExportRequest {
  readonly topic: string
  readonly records: readonly ShownRecord[]
  /** as it was typed */
  readonly path: string
  readonly format: ExportFormat
  /** an existing file may be replaced */
  readonly mayReplace: boolean
}

/** What a key asks of the program. */
export type ExportAction =
  | { readonly type: 'close' }
  | { readonly type: 'write'; readonly request: ExportRequest }

const extensions: Readonly<Record<ExportFormat, string>> = { json: '.jsonl', values: '.txt' }

const pathMax = 4096

export class ExportForm {
  readonly topic: string
  readonly records: readonly ShownRecord[]
  /** what the records are, in words */
  readonly what: string
  #path: TextField
  #format: ExportFormat = 'json'
  #at: ExportField = 'path'
  #state: ExportState = { type: 'editing' }
  #request: ExportRequest | undefined

  /** @param options.name of the file that is proposed, without its extension */
  constructor(options: {
    readonly topic: string
    readonly records: readonly ShownRecord[]
    readonly what: string
    readonly name: string
  }) {
    this.topic = options.topic
    this.records = options.records
    this.what = options.what
    this.#path = new TextField({ text: options.name + extensions.json, textMax: pathMax })
  }

  get path(): TextField {
    return this.#path
  }

  get format(): ExportFormat {
    return this.#format
  }

  /** The field that is typed into. */
  get at(): ExportField {
    return this.#at
  }

  get state(): ExportState {
    return this.#state
  }

  /** Only the outcome of its own request counts: one of a form that was closed is another's. */
  settled(request: ExportRequest, outcome: Exported): void {
    if (request === this.#request) this.#state = outcome
  }

  press({ key, char, isBurst = false }: TypedKey): ExportAction | undefined {
    if (key === 'escape' || key === 'C-c' || key === 'C-g') {
      if (this.#state.type !== 'exists') return { type: 'close' }
      this.#state = { type: 'editing' }
      return undefined
    }
    if (this.#state.type === 'writing') return undefined
    if (this.#state.type === 'exists' && key === 'y' && !isBurst) return this.#write(true)
    const isDone = this.#state.type === 'written' && key === 'enter'
    if (isDone) return { type: 'close' }
    switch (key) {
      case 'C-s':
        return this.#mayWrite(isBurst)
      case 'enter':
        return this.#at === 'format' ? this.#mayWrite(isBurst) : this.#move()
      case 'tab':
      case 'S-tab':
      case 'down':
      case 'up':
        return this.#move()
    }
    if (this.#at === 'path') this.#path.press(key, char)
    else if (key === 'space' || key === 'left' || key === 'right') this.#nextFormat()
    // The question was about another file, perhaps.
    this.#state = { type: 'editing' }
    return undefined
  }

  paste(text: string): void {
    if (this.#state.type === 'writing' || this.#at !== 'path') return
    this.#path.paste(text, false)
    this.#state = { type: 'editing' }
  }

  #move(): undefined {
    this.#at = this.#at === 'path' ? 'format' : 'path'
    return undefined
  }

  /** The usual extension follows the format; another one stays. */
  #nextFormat(): void {
    const before = this.#format
    this.#format = before === 'json' ? 'values' : 'json'
    const { text } = this.#path
    if (!text.endsWith(extensions[before])) return
    const stem = text.slice(0, -extensions[before].length)
    this.#path = new TextField({ text: stem + extensions[this.#format], textMax: pathMax })
  }

  #mayWrite(isBurst: boolean): ExportAction | undefined {
    const problem = isBurst
      ? burstProblem
      : this.#path.text.trim() === ''
        ? 'the path is missing'
        : undefined
    if (problem === undefined) return this.#write(false)
    this.#state = { type: 'refused', problem }
    return undefined
  }

  #write(mayReplace: boolean): ExportAction {
    this.#state = { type: 'writing' }
    const { topic, records } = this
    const path = this.#path.text.trim()
    const request = { topic, records, path, format: this.#format, mayReplace }
    this.#request = request
    return { type: 'write', request }
  }
}

export function exportedText(outcome: Exported): string {
  switch (outcome.type) {
    case 'written': {
      const { count, bytes, path } = outcome
      const records = `${count} ${count === 1 ? 'record' : 'records'}`
      return `${records}, ${bytes.toLocaleString('en')} B, written to ${path}`
    }
    case 'exists':
      return `${outcome.path} exists, and stays as it is`
    case 'failed':
      return outcome.message
  }
}
