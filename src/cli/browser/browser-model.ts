// The state of `zw consume` on a terminal: which view is shown, and what is known of the topic. Pure: what
// happens comes in as inputs, and what the program has to do goes out as effects. Which key asks for what
// is in view-keys.ts; what is typed goes to dialogs.ts.
//
// A topic whose records are all goals begins with the goals by minute (consumer-view.ts).
//
// Next on the path: browser-frame.ts draws it; browser-screen.ts performs the effects.

import { type ClusterLines, nothingKnown } from '../consumer/cluster-lines.ts'
import { ConsumerView } from '../consumer/consumer-view.ts'
import { EventList, type ScreenEvent } from '../consumer/event-list.ts'
import { type Finding, findings } from '../consumer/health.ts'
import { Scroll, scrollKeys } from '../consumer/scroll.ts'
import { counted } from '../make-topic.ts'
import { textOf } from '../record-text.ts'
import { type GroupsFacts, lagOf, type PartitionFacts, type TopicFacts } from './browser-facts.ts'
import {
  type BrowserEffect,
  type BrowserInput,
  type Hit,
  type View,
  views,
} from './browser-inputs.ts'
import { type Dialog, Dialogs, tell } from './dialogs.ts'
import { ExportForm } from './export-form.ts'
import { ListCursor } from './list-cursor.ts'
import { RateHistory } from './rate-history.ts'
import { bestForm, formsOf, type ValueForm } from './record-detail.ts'
import { parseFilter } from './record-filter.ts'
import { RecordList } from './record-list.ts'
import { ResetForm } from './reset-form.ts'
import { recordBytes, type ShownRecord } from './shown-record.ts'
import type { TypedKey } from './typed-key.ts'
import { type Command, commandOf } from './view-keys.ts'

export interface Detail {
  readonly record: ShownRecord
  readonly form: ValueForm
}

const nothing: readonly BrowserEffect[] = []

/** Keys of the goals by minute that every consumer of goals does not have. */
const goalKeys = [
  { key: 't', label: 'the records as a table, with all views', short: 'table' },
  {
    key: 'e',
    label: 'export: all records that are kept; to a file, as lines of JSON or only the values',
  },
  {
    key: 'r',
    label: 'reconnect: waits for brokers that are down are given up, and all are tried now',
  },
]
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
  readonly #dialogs = new Dialogs((filter) => this.records.filterBy(filter))
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
    this.#goals = new ConsumerView({ topic, group, actions: goalKeys })
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
        return this.#dialogs.produced(input.outcome)
      case 'exported':
        return this.#dialogs.exported(input.request, input.outcome)
      case 'resetAnswered':
        return this.#dialogs.resetAnswered(input.request, input.outcome)
      case 'event':
        this.#events.add(input.time, input.text, input.about)
        this.#goals?.tell(input.time, input.text, input.about)
        return nothing
      case 'key':
        return this.#pressed(input)
      case 'paste':
        this.#dialogs.paste(input.text)
        return nothing
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

  // --- what the user does ------------------------------------------------------------------------

  #pressed(typed: TypedKey): readonly BrowserEffect[] {
    const { key } = typed
    const dialog = this.#dialogs.open
    if (dialog !== undefined) return this.#dialogs.press(dialog, typed)
    if (key === 'C-c') return [{ type: 'quit' }]
    if (this.#areGoalsShown && this.#goals !== undefined) return this.#inGoals(this.#goals, key)
    if (this.#isHelpShown) {
      if (key === 'q') return [{ type: 'quit' }]
      if (scrollKeys.has(key)) this.scrolls.help.press(key)
      else this.#isHelpShown = false
      return nothing
    }
    if (key !== 'q') this.#hasChosen = true
    const command = commandOf(key, this.#detail === undefined ? this.#view : undefined)
    if (command !== undefined) return this.#do(command)
    return this.#moved(key)
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
        return this.#doInGoals(action.key)
    }
  }

  /** @param key one of `goalKeys` */
  #doInGoals(key: string): readonly BrowserEffect[] {
    if (key === 'e') return this.#do('export')
    if (key === 'r') return this.#do('reconnect')
    this.#show('records')
    return nothing
  }

  #do(command: Command): readonly BrowserEffect[] {
    switch (command) {
      case 'quit':
        return [{ type: 'quit' }]
      case 'help':
        this.#isHelpShown = true
        this.scrolls.help.toHome()
        return nothing
      case 'records':
      case 'partitions':
      case 'groups':
      case 'topics':
        this.#show(command)
        return nothing
      case 'nextView':
        return this.#showNext(1)
      case 'previousView':
        return this.#showNext(-1)
      case 'goals':
        this.#areGoalsShown = this.#goals !== undefined
        return nothing
      case 'produce':
        this.#dialogs.openProduce()
        return nothing
      case 'pauseAll':
        return this.#pause(!this.isPaused)
      case 'reconnect':
        return [{ type: 'reconnect' }]
      case 'open':
        return this.#open()
      case 'back':
        return this.#back()
      case 'pause':
        return this.#pauseHere()
      case 'search':
        this.#dialogs.ask('search', this.records.filter?.text ?? '')
        return nothing
      case 'seek': {
        const place = this.#view === 'partitions' ? this.#selectedPartition : undefined
        this.#dialogs.ask('seek', place === undefined ? '' : `${place.partition}/`)
        return nothing
      }
      case 'nextMatch':
        return this.#toMatch(1)
      case 'previousMatch':
        return this.#toMatch(-1)
      case 'toggleHiding':
        this.records.toggleHiding()
        return nothing
      case 'export':
        return this.#export()
      case 'moveOffsets':
        return this.#moveOffsets()
      case 'nextForm':
        return this.#nextForm()
      case 'older':
        this.records.stay()
        this.records.moveBy(-1)
        return this.#showDetail(this.records.selected)
      case 'newer':
        this.records.moveBy(1)
        return this.#showDetail(this.records.selected)
      case 'copy':
        return this.#detail === undefined ? nothing : this.#copy(this.#detail.record)
    }
  }

  /** Keys that move the selection, or scroll. */
  #moved(key: string): readonly BrowserEffect[] {
    if (this.#detail !== undefined) this.scrolls.detail.press(key)
    else if (this.#isInGroup) this.scrolls.group.press(key)
    else if (this.#view === 'records') this.records.press(key)
    else {
      if (this.#view === 'groups') this.scrolls.group.toHome()
      this.cursors[this.#view].press(key)
    }
    return nothing
  }

  get #selectedPartition(): PartitionFacts | undefined {
    return this.#partitions[this.cursors.partitions.at]
  }

  #open(): readonly BrowserEffect[] {
    switch (this.#view) {
      case 'records':
        return this.#showDetail(this.records.selected)
      case 'partitions': {
        const chosen = this.#selectedPartition
        if (chosen === undefined) return nothing
        this.records.filterBy(asFilter(`partition:${chosen.partition}`))
        this.#show('records')
        return nothing
      }
      case 'groups':
        this.#isInGroup = !this.#isInGroup && (this.#groups?.groups.length ?? 0) > 0
        if (this.#isInGroup) this.scrolls.group.toHome()
        return nothing
      case 'topics': {
        const chosen = this.#topics?.[this.cursors.topics.at]
        return chosen === undefined ? nothing : this.#openTopic(chosen.topic)
      }
    }
  }

  #back(): readonly BrowserEffect[] {
    if (this.#detail !== undefined) this.#detail = undefined
    else if (this.#isInGroup) this.#isInGroup = false
    else if (this.#view !== 'records') this.#show('records')
    else if (this.records.filter !== undefined) this.records.filterBy(undefined)
    else this.records.follow()
    return nothing
  }

  #pauseHere(): readonly BrowserEffect[] {
    if (this.#view !== 'partitions') return this.#pause(!this.isPaused)
    const chosen = this.#selectedPartition
    if (chosen === undefined) return nothing
    return [{ type: 'pause', isPaused: !chosen.isPaused, partition: chosen.partition }]
  }

  #nextForm(): readonly BrowserEffect[] {
    if (this.#detail === undefined) return nothing
    const { record, form } = this.#detail
    const forms = formsOf(record)
    this.#detail = { record, form: forms[(forms.indexOf(form) + 1) % forms.length] ?? 'text' }
    this.scrolls.detail.toHome()
    return nothing
  }

  /**
   * The record in full, or all that are kept, or what the search finds among them. The goals by minute
   * show no search.
   */
  #export(): readonly BrowserEffect[] {
    const { topic } = this
    const record = this.#detail?.record
    const filter = this.#areGoalsShown ? undefined : this.records.filter
    const kept = this.#areGoalsShown ? this.records.kept : this.records.loaded
    const records = record === undefined ? kept : [record]
    if (records.length === 0) {
      return [tell(filter === undefined ? 'no records to export' : 'no match to export')]
    }
    const { partition = 0, offset = 0 } = record ?? {}
    const what =
      record !== undefined
        ? `partition ${partition}, offset ${offset}`
        : filter === undefined
          ? counted(records.length, 'record')
          : `${counted(records.length, 'record')} with ${filter.text}`
    const name = record === undefined ? topic : `${topic}-${partition}-${offset}`
    this.#dialogs.openExport(new ExportForm({ topic, records, what, name }))
    return nothing
  }

  #moveOffsets(): readonly BrowserEffect[] {
    const chosen = this.#groups?.groups[this.cursors.groups.at]
    if (chosen === undefined) return nothing
    const { group, details } = chosen
    const memberCount = details?.members.length ?? 0
    this.#dialogs.openReset(new ResetForm({ group, memberCount }))
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
        return wasSelected && hit.view === this.#view ? this.#open() : nothing
      }
    }
  }

  /** The wheel moves whatever the arrow keys would move. */
  #rolled(key: 'up' | 'down'): readonly BrowserEffect[] {
    if (this.#isTyping) return nothing
    for (let i = 0; i < wheelRows; i++) this.#pressed({ key, char: '', wallMs: 0 })
    return nothing
  }

  get #isTyping(): boolean {
    return this.#dialogs.open !== undefined
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

  #openTopic(topic: string): readonly BrowserEffect[] {
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

  // --- what is shown -----------------------------------------------------------------------------

  get view(): View {
    return this.#view
  }

  /** The goals by minute, while they are shown: not while something is typed. */
  get shownGoals(): ConsumerView | undefined {
    return this.#areGoalsShown && !this.#isTyping ? this.#goals : undefined
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

  /** What is typed into, while it is shown. */
  get dialog(): Dialog | undefined {
    return this.#dialogs.open
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

function asFilter(text: string) {
  const filter = parseFilter(text)
  return filter !== undefined && 'matches' in filter ? filter : undefined
}
