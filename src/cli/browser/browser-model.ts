// The state of `zw consume` on a terminal: which view is shown, what its keys do, and what is known of
// the topic. Pure: what happens comes in as inputs, and what the program has to do goes out as effects.
//
// A topic whose records are all goals begins with the goals by minute (consumer-view.ts).
//
// Next on the path: browser-frame.ts draws it; browser-screen.ts performs the effects.

import { type ClusterLines, nothingKnown } from '../consumer/cluster-lines.ts'
import { ConsumerView } from '../consumer/consumer-view.ts'
import { EventList, type ScreenEvent } from '../consumer/event-list.ts'
import { type Finding, findings } from '../consumer/health.ts'
import { Scroll, scrollKeys } from '../consumer/scroll.ts'
import { textOf } from '../record-text.ts'
import { type GroupsFacts, lagOf, type PartitionFacts, type TopicFacts } from './browser-facts.ts'
import {
  type BrowserEffect,
  type BrowserInput,
  type Hit,
  type View,
  views,
} from './browser-inputs.ts'
import { ListCursor } from './list-cursor.ts'
import { type Produced, ProduceForm, producedText } from './produce-form.ts'
import { Prompt, type PromptKind } from './prompt.ts'
import { RateHistory } from './rate-history.ts'
import { bestForm, formsOf, type ValueForm } from './record-detail.ts'
import { parseFilter } from './record-filter.ts'
import { RecordList } from './record-list.ts'
import { parseSeek } from './seek-target.ts'
import { recordBytes, type ShownRecord } from './shown-record.ts'

export interface Detail {
  readonly record: ShownRecord
  readonly form: ValueForm
}

const nothing: readonly BrowserEffect[] = []
/** Lines per notch of the wheel. */
const wheelRows = 3
/** Larger values are not copied: terminals limit what they take. */
const copyBytesMax = 74_000

export class BrowserModel {
  readonly topic: string
  readonly group: string | undefined
  readonly records: RecordList
  readonly rates = new RateHistory()
  readonly scrolls = {
    detail: new Scroll('start'),
    group: new Scroll('start'),
    help: new Scroll('start'),
  } as const
  readonly cursors: Readonly<Record<Exclude<View, 'records'>, ListCursor>> = {
    partitions: new ListCursor(),
    groups: new ListCursor(),
    topics: new ListCursor(),
  }
  readonly #events = new EventList()
  #view: View = 'records'
  #goals: ConsumerView | undefined
  #areGoalsShown = false
  /** the user chose a view: it is not changed for them */
  #hasChosen = false
  #isHelpShown = false
  /** Keys scroll what is known of the selected group. */
  #isInGroup = false
  #detail: Detail | undefined
  #prompt: Prompt | undefined
  readonly #produceForm = new ProduceForm()
  #isProducing = false
  /** of the last search: offered again */
  #lastSearch = ''
  #received = 0
  #isPaused = false
  /** of paused partitions: their end when they were paused */
  readonly #pausedEnds = new Map<number, number>()
  #partitions: readonly PartitionFacts[] = []
  #groups: GroupsFacts | undefined
  #topics: readonly TopicFacts[] | undefined
  #cluster: ClusterLines = nothingKnown
  #reading: number | undefined

  constructor(options: {
    readonly topic: string
    readonly group?: string | undefined
    readonly records?: RecordList
  }) {
    const { topic, group, records = new RecordList() } = options
    this.topic = topic
    this.group = group
    this.records = records
    const actions = [{ key: 't', label: 'the records as a table, with all views', short: 'table' }]
    this.#goals = new ConsumerView({ topic, group, actions })
  }

  step(input: BrowserInput): readonly BrowserEffect[] {
    switch (input.type) {
      case 'records':
        return this.#arrived(input.records, input.nowMs)
      case 'partitions':
        return this.#partitionsAre(input.partitions)
      case 'cluster':
        this.#cluster = input.cluster
        this.#goals?.clusterIs(input.cluster)
        return nothing
      case 'groups':
        this.#groups = input.groups
        return nothing
      case 'topics':
        this.#topics = input.topics
        return nothing
      case 'reading':
        this.#reading = input.broker
        this.#goals?.readingFrom(input.broker)
        return nothing
      case 'sought':
        this.records.clear()
        this.#pausedEnds.clear()
        return nothing
      case 'produced':
        return this.#produced(input.outcome)
      case 'event':
        this.#events.add(input.time, input.text, input.about)
        this.#goals?.tell(input.time, input.text, input.about)
        return nothing
      case 'key':
        return this.#pressed(input.key, input.char, input.wallMs)
      case 'mouse':
        return this.#pointed(input.event, input.hit)
    }
  }

  // --- what happens ------------------------------------------------------------------------------

  #arrived(records: readonly ShownRecord[], nowMs: number): readonly BrowserEffect[] {
    let bytes = 0
    for (const record of records) {
      this.records.push(record)
      bytes += recordBytes(record)
    }
    this.#received += records.length
    this.rates.add(records.length, bytes, nowMs)
    this.#maybeShowGoals(records, nowMs)
    return nothing
  }

  /** Goals by minute need every record to be a goal; the first other one ends that view. */
  #maybeShowGoals(records: readonly ShownRecord[], nowMs: number): void {
    const goals = this.#goals
    if (goals === undefined) return
    const areGoals = goals.received(
      records.map(({ partition, offset, value }) => ({ partition, offset, value: textOf(value) })),
      nowMs,
    )
    if (!areGoals) {
      this.#goals = undefined
      this.#areGoalsShown = false
    } else if (!this.#hasChosen) this.#areGoalsShown = true
  }

  #partitionsAre(partitions: readonly PartitionFacts[]): readonly BrowserEffect[] {
    // A group gives them in any order.
    this.#partitions = [...partitions].sort((a, b) => a.partition - b.partition)
    for (const facts of partitions) {
      const { partition, end, isPaused } = facts
      const lag = lagOf(facts)
      if (lag !== undefined) this.#goals?.lagging(partition, lag)
      if (!isPaused) this.#pausedEnds.delete(partition)
      else if (end !== undefined && !this.#pausedEnds.has(partition)) {
        this.#pausedEnds.set(partition, end)
      }
    }
    return nothing
  }

  // --- what a person does ------------------------------------------------------------------------

  #pressed(key: string, char: string, wallMs: number): readonly BrowserEffect[] {
    if (this.#prompt !== undefined) return this.#typed(this.#prompt, key, char, wallMs)
    if (this.#isProducing) return this.#inForm(key, char)
    if (key === 'C-c') return [{ type: 'quit' }]
    if (this.#areGoalsShown && this.#goals !== undefined) return this.#inGoals(this.#goals, key)
    if (key === 'q') return [{ type: 'quit' }]
    if (this.#isHelpShown) {
      if (scrollKeys.has(key)) this.scrolls.help.press(key)
      else this.#isHelpShown = false
      return nothing
    }
    this.#hasChosen = true
    if (this.#detail !== undefined) return this.#inDetail(this.#detail, key)
    return this.#inAnyView(key) ?? this.#inView(key)
  }

  #inGoals(goals: ConsumerView, key: string): readonly BrowserEffect[] {
    const action = goals.press(key)
    switch (action?.type) {
      case undefined:
        return nothing
      case 'quit':
        return [{ type: 'quit' }]
      case 'paused':
        return this.#pause(action.paused)
      case 'action':
        this.#show('records')
        return nothing
    }
  }

  /** @returns undefined if the key is for the view */
  #inAnyView(key: string): readonly BrowserEffect[] | undefined {
    switch (key) {
      case '?':
      case 'h':
        this.#isHelpShown = true
        this.scrolls.help.toHome()
        return nothing
      case '1':
      case '2':
      case '3':
      case '4':
        this.#show(views[Number(key) - 1] ?? 'records')
        return nothing
      case 'tab':
        return this.#showNext(1)
      case 'S-tab':
        return this.#showNext(-1)
      case 't':
        this.#areGoalsShown = this.#goals !== undefined
        return nothing
      case 'p':
        this.#isProducing = true
        return nothing
      case 'S-p':
        return this.#pause(!this.isPaused)
    }
    return undefined
  }

  #inView(key: string): readonly BrowserEffect[] {
    switch (this.#view) {
      case 'records':
        return this.#inRecords(key)
      case 'partitions':
        return this.#inPartitions(key)
      case 'groups':
        return this.#inGroups(key)
      case 'topics': {
        const chosen = this.#topics?.[this.cursors.topics.at]
        if (key !== 'enter' || chosen === undefined) return this.#inList('topics', key)
        return this.#open(chosen.topic)
      }
    }
  }

  #inRecords(key: string): readonly BrowserEffect[] {
    const { records } = this
    switch (key) {
      case 'space':
        return this.#pause(!this.isPaused)
      case 'enter':
        return this.#showDetail(records.selected)
      case '/':
        return this.#ask('search', records.filter?.text ?? '')
      case 's':
        return this.#ask('seek', '')
      case 'n':
        return this.#toMatch(1)
      case 'S-n':
        return this.#toMatch(-1)
      case 'm':
        records.toggleHiding()
        return nothing
      case 'escape':
        if (records.filter !== undefined) records.filterBy(undefined)
        else records.follow()
        return nothing
    }
    records.press(key)
    return nothing
  }

  #inPartitions(key: string): readonly BrowserEffect[] {
    const chosen = this.#partitions[this.cursors.partitions.at]
    if (chosen === undefined) return this.#inList('partitions', key)
    const { partition, isPaused } = chosen
    switch (key) {
      case 'space':
        return [{ type: 'pause', isPaused: !isPaused, partition }]
      case 's':
        return this.#ask('seek', `${partition}/`)
      case 'enter':
        this.records.filterBy(asFilter(`partition:${partition}`))
        this.#show('records')
        return nothing
    }
    return this.#inList('partitions', key)
  }

  #inGroups(key: string): readonly BrowserEffect[] {
    if (this.#isInGroup) {
      if (key === 'escape' || key === 'enter') this.#isInGroup = false
      else this.scrolls.group.press(key)
      return nothing
    }
    this.scrolls.group.toHome()
    if (key !== 'enter') return this.#inList('groups', key)
    this.#isInGroup = (this.#groups?.groups.length ?? 0) > 0
    return nothing
  }

  #inList(view: Exclude<View, 'records'>, key: string): readonly BrowserEffect[] {
    if (key === 'escape') this.#show('records')
    else this.cursors[view].press(key)
    return nothing
  }

  #inDetail(detail: Detail, key: string): readonly BrowserEffect[] {
    const { record, form } = detail
    switch (key) {
      case 'escape':
      case 'enter':
      case 'backspace':
        this.#detail = undefined
        return nothing
      case 'v': {
        const forms = formsOf(record)
        this.#detail = { record, form: forms[(forms.indexOf(form) + 1) % forms.length] ?? 'text' }
        this.scrolls.detail.toHome()
        return nothing
      }
      case 'left':
      case '[':
        this.records.stay()
        this.records.moveBy(-1)
        return this.#showDetail(this.records.selected)
      case 'right':
      case ']':
        this.records.moveBy(1)
        return this.#showDetail(this.records.selected)
      case 'c':
        return this.#copy(record)
      case '?':
      case 'h':
      case 'p':
        return this.#inAnyView(key) ?? nothing
    }
    this.scrolls.detail.press(key)
    return nothing
  }

  #pointed(event: 'click' | 'wheelUp' | 'wheelDown', hit: Hit): readonly BrowserEffect[] {
    if (event !== 'click') return this.#rolled(event === 'wheelUp' ? 'up' : 'down')
    if (this.#areGoalsShown || this.#isHelpShown || this.#isTyping) return nothing
    switch (hit.type) {
      case 'none':
        return nothing
      case 'tab':
        this.#show(hit.view)
        return nothing
      case 'row': {
        if (this.#detail !== undefined) return nothing
        this.#hasChosen = true
        const list = hit.view === 'records' ? this.records : this.cursors[hit.view]
        const wasSelected = list.click(hit.row)
        // A click on a row of the pane beside the records only selects it.
        return wasSelected && hit.view === this.#view ? this.#inView('enter') : nothing
      }
    }
  }

  /** The wheel moves whatever the arrow keys would move. */
  #rolled(key: 'up' | 'down'): readonly BrowserEffect[] {
    if (this.#isTyping) return nothing
    for (let i = 0; i < wheelRows; i++) this.#pressed(key, '', 0)
    return nothing
  }

  get #isTyping(): boolean {
    return this.#prompt !== undefined || this.#isProducing
  }

  #inForm(key: string, char: string): readonly BrowserEffect[] {
    const action = this.#produceForm.press(key, char)
    switch (action?.type) {
      case undefined:
        return nothing
      case 'close':
        this.#isProducing = false
        return nothing
      case 'send':
        return [{ type: 'produce', record: action.record }]
    }
  }

  /** The form may be closed: the event tells it, too. */
  #produced(outcome: Produced): readonly BrowserEffect[] {
    this.#produceForm.settled(outcome)
    return [tell(producedText(outcome))]
  }

  // --- what follows from it ----------------------------------------------------------------------

  #show(view: View): void {
    this.#hasChosen = true
    this.#areGoalsShown = false
    this.#detail = undefined
    this.#isInGroup = false
    this.#view = view
  }

  #showNext(step: 1 | -1): readonly BrowserEffect[] {
    const at = views.indexOf(this.#view)
    this.#show(views[(at + step + views.length) % views.length] ?? 'records')
    return nothing
  }

  #showDetail(record: ShownRecord | undefined): readonly BrowserEffect[] {
    if (record === undefined) return nothing
    this.records.stay()
    const form = this.#detail?.form === 'hex' ? 'hex' : bestForm(record)
    this.#detail = { record, form }
    this.scrolls.detail.toHome()
    return nothing
  }

  #pause(isPaused: boolean): readonly BrowserEffect[] {
    this.#isPaused = isPaused
    // The goals show the same pause.
    if (this.#goals !== undefined && this.#goals.paused !== isPaused) this.#goals.press('space')
    return [{ type: 'pause', isPaused, partition: undefined }]
  }

  #toMatch(direction: 1 | -1): readonly BrowserEffect[] {
    if (this.records.filter === undefined) return [tell('nothing is searched for: / searches')]
    if (this.records.toMatch(direction)) return nothing
    return [tell(direction > 0 ? 'no newer match' : 'no older match')]
  }

  #open(topic: string): readonly BrowserEffect[] {
    if (topic === this.topic) {
      this.#show('records')
      return nothing
    }
    if (this.group === undefined) return [{ type: 'open', topic }]
    return [tell(`this consumer commits for group ${this.group} and stays with ${this.topic}`)]
  }

  #copy({ value }: ShownRecord): readonly BrowserEffect[] {
    if (value === null) return [tell('null cannot be copied')]
    if (value.length > copyBytesMax) return [tell(`${value.length} bytes are too many to copy`)]
    return [
      { type: 'copy', bytes: value },
      tell(`the value was sent to the terminal's clipboard: ${value.length} bytes`),
    ]
  }

  // --- the prompt --------------------------------------------------------------------------------

  #ask(kind: PromptKind, text: string): readonly BrowserEffect[] {
    this.#prompt = new Prompt(kind, kind === 'search' && text === '' ? this.#lastSearch : text)
    return nothing
  }

  #typed(prompt: Prompt, key: string, char: string, wallMs: number): readonly BrowserEffect[] {
    const end = prompt.press(key, char)
    if (end === undefined) return nothing
    this.#prompt = undefined
    if (end.type === 'cancelled') return nothing
    return prompt.kind === 'search' ? this.#search(end.text) : this.#seek(end.text, wallMs)
  }

  #search(text: string): readonly BrowserEffect[] {
    const filter = parseFilter(text)
    if (filter !== undefined && 'problem' in filter) {
      this.#prompt = new Prompt('search', text)
      return [tell(`cannot search: ${filter.problem}`)]
    }
    this.#lastSearch = filter?.text ?? ''
    this.records.filterBy(filter)
    return nothing
  }

  #seek(text: string, wallMs: number): readonly BrowserEffect[] {
    if (text.trim() === '') return nothing
    const seek = parseSeek(text, wallMs)
    if (seek === undefined) {
      this.#prompt = new Prompt('seek', text)
      return [tell('not a place: start end OFFSET PARTITION/OFFSET -COUNT 21:04 10m @MS')]
    }
    return [{ type: 'seek', ...seek }]
  }

  // --- what is shown -----------------------------------------------------------------------------

  get view(): View {
    return this.#view
  }

  /** The goals by minute, while they are shown. */
  get shownGoals(): ConsumerView | undefined {
    return this.#areGoalsShown ? this.#goals : undefined
  }

  /** Whether every record so far is a goal. */
  get hasGoals(): boolean {
    return this.#goals !== undefined && this.#received > 0
  }

  get isHelpShown(): boolean {
    return this.#isHelpShown
  }

  /** Whether keys scroll the members and offsets of the selected group. */
  get isInGroup(): boolean {
    return this.#isInGroup
  }

  get detail(): Detail | undefined {
    return this.#detail
  }

  get prompt(): Prompt | undefined {
    return this.#prompt
  }

  /** The form that produces a record, while it is shown. */
  get shownForm(): ProduceForm | undefined {
    return this.#isProducing ? this.#produceForm : undefined
  }

  get receivedCount(): number {
    return this.#received
  }

  /** Whether nothing is read: each partition may be paused and resumed for itself, too. */
  get isPaused(): boolean {
    if (this.#partitions.length === 0) return this.#isPaused
    return this.#partitions.every(({ isPaused }) => isPaused)
  }

  /** Records stored in paused partitions since they were paused. */
  get missedCount(): number {
    let count = 0
    for (const { partition, end } of this.#partitions) {
      const since = this.#pausedEnds.get(partition)
      if (since !== undefined && end !== undefined) count += Math.max(0, end - since)
    }
    return count
  }

  get partitions(): readonly PartitionFacts[] {
    return this.#partitions
  }

  /** undefined before the first answer */
  get groups(): GroupsFacts | undefined {
    return this.#groups
  }

  get selectedGroup(): string | undefined {
    return this.#groups?.groups[this.cursors.groups.at]?.group
  }

  /** undefined before the first answer */
  get topics(): readonly TopicFacts[] | undefined {
    return this.#topics
  }

  get reading(): number | undefined {
    return this.#reading
  }

  /** Over all partitions; undefined before any is known. */
  get lag(): number | undefined {
    const known = this.#partitions.flatMap((facts) => lagOf(facts) ?? [])
    return known.length === 0 ? undefined : known.reduce((sum, lag) => sum + lag, 0)
  }

  get newestEvent(): ScreenEvent | undefined {
    return this.#events.all.at(-1)
  }

  /** The health of the cluster, worst finding first. */
  health(nowMs: number): readonly [Finding, ...Finding[]] {
    const lag = this.#partitions.some(({ isPaused }) => isPaused) ? undefined : this.lag
    return findings({ cluster: this.#cluster, lag, rate: this.rates.rate(nowMs).count, nowMs })
  }
}

function tell(text: string): BrowserEffect {
  return { type: 'tell', text }
}

function asFilter(text: string) {
  const filter = parseFilter(text)
  return filter !== undefined && 'matches' in filter ? filter : undefined
}
