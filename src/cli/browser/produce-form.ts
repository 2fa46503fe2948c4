// The form that produces one record to the topic: its fields, what its keys do, and what came of the
// last record. Pure. It keeps what was typed, so that a similar record can follow.
//
// Next on the path: produce-frame.ts draws it; browser-screen.ts sends the record.

import { TextField } from './text-field.ts'
import { burstProblem, type TypedKey } from './typed-key.ts'
import { type TypedRecord, typedRecord } from './typed-record.ts'

export const produceFields = ['key', 'value', 'partition', 'headers'] as const
export type ProduceField = (typeof produceFields)[number]

/** What came of a record that was sent. */
export type Produced =
  | { readonly type: 'stored'; readonly partition: number; readonly offset: number }
  /** it is not stored, or its outcome is unknown: the message says which */
  | { readonly type: 'failed'; readonly message: string }

export type ProduceState =
  | { readonly type: 'editing' }
  | { readonly type: 'refused'; readonly problem: string }
  | { readonly type: 'sending' }
  | Produced

/** What a key asks of the program. */
export type ProduceAction =
  | { readonly type: 'close' }
  | { readonly type: 'send'; readonly record: TypedRecord }

/** Characters in a key or a value, and in a partition or headers. */
const bytesFieldMax = 10_000
const shortFieldMax = 500

export class ProduceForm {
  readonly fields: Readonly<Record<ProduceField, TextField>> = {
    key: new TextField({ textMax: bytesFieldMax }),
    value: new TextField({ textMax: bytesFieldMax }),
    partition: new TextField({ textMax: shortFieldMax }),
    headers: new TextField({ textMax: shortFieldMax }),
  }
  #at: ProduceField = 'key'
  #isNull = false
  #state: ProduceState = { type: 'editing' }

  /** The field that is typed into. */
  get at(): ProduceField {
    return this.#at
  }

  /** The value is null: a tombstone. */
  get isNull(): boolean {
    return this.#isNull
  }

  get state(): ProduceState {
    return this.#state
  }

  /** It is opened again: what was typed is still there. */
  opened(): void {
    this.#at = 'key'
  }

  settled(outcome: Produced): void {
    this.#state = outcome
  }

  /** One record at a time: until it is settled, keys only close the form. */
  press({ key, char, isBurst = false }: TypedKey): ProduceAction | undefined {
    if (key === 'escape' || key === 'C-c' || key === 'C-g') return { type: 'close' }
    if (this.#state.type === 'sending') return undefined
    switch (key) {
      case 'C-s':
        return this.#maySend(isBurst)
      case 'enter':
        return this.#at === 'headers' ? this.#maySend(isBurst) : this.#moveBy(1)
      case 'tab':
      case 'down':
        return this.#moveBy(1)
      case 'S-tab':
      case 'up':
        return this.#moveBy(-1)
      case 'C-t':
        this.#isNull = !this.#isNull
        return undefined
    }
    const field = this.fields[this.#at]
    const was = field.text
    field.press(key, char)
    // Typing into a null value replaces it.
    if (this.#at === 'value' && field.text !== was) this.#isNull = false
    return undefined
  }

  /** Pasted text goes into one field, and sends nothing. The value and the key keep its lines. */
  paste(text: string): void {
    if (this.#state.type === 'sending') return
    const isBytes = this.#at === 'key' || this.#at === 'value'
    this.fields[this.#at].paste(text, isBytes)
    if (this.#at === 'value') this.#isNull = false
  }

  #moveBy(step: 1 | -1): undefined {
    const { length } = produceFields
    const to = (produceFields.indexOf(this.#at) + step + length) % length
    this.#at = produceFields[to] ?? 'key'
    return undefined
  }

  #maySend(isBurst: boolean): ProduceAction | undefined {
    if (!isBurst) return this.#send()
    this.#state = { type: 'refused', problem: burstProblem }
    return undefined
  }

  #send(): ProduceAction | undefined {
    const { key, value, partition, headers } = this.fields
    const record = typedRecord({
      key: key.text,
      value: this.#isNull ? null : value.text,
      partition: partition.text,
      headers: headers.text,
    })
    if ('problem' in record) {
      this.#state = { type: 'refused', problem: record.problem }
      return undefined
    }
    this.#state = { type: 'sending' }
    return { type: 'send', record }
  }
}

export function producedText(outcome: Produced): string {
  switch (outcome.type) {
    case 'stored':
      return `stored in partition ${outcome.partition} at offset ${outcome.offset}`
    case 'failed':
      return outcome.message
  }
}
