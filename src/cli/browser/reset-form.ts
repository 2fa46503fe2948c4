// The form that moves the offsets of a group: where to, for which topic and partition; then what this would
// do, in each partition; and only then, when the user confirms it, the move. Pure. As `zw groups
// reset-offsets` it is a dry run first, and a group with members is refused by the brokers.
//
// Next on the path: reset-frame.ts draws it; topic-reading.ts asks the brokers.

import type { OffsetReset, PlannedOffset } from '../../client/mq/options.ts'
import { limits } from '../../limits.ts'
import { Scroll, scrollKeys } from '../consumer/scroll.ts'
import { counted } from '../make-topic.ts'
import { parseResetTarget } from './reset-target.ts'
import { TextField } from './text-field.ts'
import { burstProblem, type TypedKey } from './typed-key.ts'

export const resetFields = ['to', 'topic', 'partition'] as const
export type ResetField = (typeof resetFields)[number]

/** What is asked of the brokers. */
export type ResetRequest =
  | { readonly type: 'plan'; readonly group: string; readonly reset: OffsetReset }
  | { readonly type: 'move'; readonly group: string; readonly planned: readonly PlannedOffset[] }

/** What came of it. */
export type ResetOutcome =
  | { readonly type: 'planned'; readonly planned: readonly PlannedOffset[] }
  | { readonly type: 'moved'; readonly count: number }
  | { readonly type: 'failed'; readonly message: string }

export type ResetState =
  | { readonly type: 'editing' }
  | { readonly type: 'refused'; readonly problem: string }
  | { readonly type: 'planning' }
  | { readonly type: 'moving'; readonly planned: readonly PlannedOffset[] }
  | ResetOutcome

/** What a key asks of the program. */
export type ResetAction =
  | { readonly type: 'close' }
  | { readonly type: 'ask'; readonly request: ResetRequest }

const fieldMax = 500

export class ResetForm {
  readonly group: string
  /** members of the group when the form was opened */
  readonly memberCount: number
  readonly fields: Readonly<Record<ResetField, TextField>> = {
    to: new TextField({ textMax: fieldMax }),
    topic: new TextField({ textMax: fieldMax }),
    partition: new TextField({ textMax: fieldMax }),
  }
  readonly scroll = new Scroll('start')
  #at: ResetField = 'to'
  #state: ResetState = { type: 'editing' }
  /** the one whose outcome is awaited */
  #request: ResetRequest | undefined

  constructor({ group, memberCount }: { readonly group: string; readonly memberCount: number }) {
    this.group = group
    this.memberCount = memberCount
  }

  /** The field that is typed into. */
  get at(): ResetField {
    return this.#at
  }

  get state(): ResetState {
    return this.#state
  }

  /** Only the outcome of the last request counts: one of a form that was closed is another's. */
  settled(request: ResetRequest, outcome: ResetOutcome): void {
    if (request !== this.#request) return
    this.#request = undefined
    if (outcome.type === 'planned' && outcome.planned.length === 0) {
      this.#state = { type: 'refused', problem: 'the group committed nothing; name a topic' }
    } else this.#state = outcome
    this.scroll.toHome()
  }

  press(typed: TypedKey): ResetAction | undefined {
    const { key } = typed
    const state = this.#state
    const isEscape = key === 'escape' || key === 'C-c' || key === 'C-g'
    switch (state.type) {
      case 'planning':
      case 'moving':
        return isEscape ? { type: 'close' } : undefined
      case 'planned':
        return this.#inPlan(typed, state.planned)
      case 'moved':
        if (key === 'enter') return { type: 'close' }
    }
    return isEscape ? { type: 'close' } : this.#inFields(typed)
  }

  paste(text: string): void {
    const { type } = this.#state
    if (type === 'planning' || type === 'planned' || type === 'moving') return
    this.fields[this.#at].paste(text, false)
    this.#state = { type: 'editing' }
  }

  /** What was looked at is what is moved: nothing can be typed until it is left. */
  #inPlan(
    { key, isBurst = false }: TypedKey,
    planned: readonly PlannedOffset[],
  ): ResetAction | undefined {
    if (key === 'y' && !isBurst) {
      this.#state = { type: 'moving', planned }
      return this.#ask({ type: 'move', group: this.group, planned })
    }
    if (scrollKeys.has(key)) this.scroll.press(key)
    else if (key === 'escape' || key === 'C-c' || key === 'C-g' || key === 'tab' || key === 'n') {
      this.#state = { type: 'editing' }
    }
    return undefined
  }

  #inFields({ key, char, wallMs, isBurst = false }: TypedKey): ResetAction | undefined {
    switch (key) {
      case 'C-s':
        return this.#plan(wallMs, isBurst)
      case 'enter':
        return this.#at === 'partition' ? this.#plan(wallMs, isBurst) : this.#moveBy(1)
      case 'tab':
      case 'down':
        return this.#moveBy(1)
      case 'S-tab':
      case 'up':
        return this.#moveBy(-1)
    }
    this.fields[this.#at].press(key, char)
    this.#state = { type: 'editing' }
    return undefined
  }

  #moveBy(step: 1 | -1): undefined {
    const { length } = resetFields
    const to = (resetFields.indexOf(this.#at) + step + length) % length
    this.#at = resetFields[to] ?? 'to'
    return undefined
  }

  #plan(wallMs: number, isBurst: boolean): ResetAction | undefined {
    const reset = isBurst ? burstProblem : this.#reset(wallMs)
    if (typeof reset === 'string') {
      this.#state = { type: 'refused', problem: reset }
      return undefined
    }
    this.#state = { type: 'planning' }
    return this.#ask({ type: 'plan', group: this.group, reset })
  }

  #ask(request: ResetRequest): ResetAction {
    this.#request = request
    return { type: 'ask', request }
  }

  /** @returns a problem, if the texts make none */
  #reset(wallMs: number): OffsetReset | string {
    const to = parseResetTarget(this.fields.to.text, wallMs)
    if (to === undefined) return 'not a place: start end OFFSET +COUNT -COUNT 21:04 10m @MS'
    const topic = this.fields.topic.text.trim()
    const place = this.fields.partition.text.trim()
    if (place === '') return topic === '' ? { to } : { to, topic }
    if (topic === '') return 'a partition needs its topic'
    const partition = Number(place)
    if (!/^\d{1,9}$/.test(place) || partition >= limits.partitionsPerTopicMax) {
      return `partition '${place}' is no number from 0 to ${limits.partitionsPerTopicMax - 1}`
    }
    return { to, topic, partitions: [partition] }
  }
}

export function movedText(group: string, count: number): string {
  return `the offsets of group ${group} are moved in ${counted(count, 'partition')}`
}
