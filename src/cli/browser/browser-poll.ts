// Asks about groups and topics, for the views that show them and only while they are shown.

import type { GroupDetails, MqAdmin } from '../../client/mq/mq-admin.ts'
import type { Clock } from '../../clock.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { noBroker } from '../../protocol/mq/messages.ts'
import type { TopicInfo } from '../../protocol/mq/metadata.ts'
import { isUnderReplicated, replicaCountOf } from '../replica-counts.ts'
import type { GroupFacts, TopicFacts } from './browser-facts.ts'
import type { BrowserInput, View } from './browser-inputs.ts'
import { LagHistory } from './lag-history.ts'

const periodMs = 2000
/** A view that was just opened is filled soon. */
const noticedMs = 200
/** Topics, or groups, that are asked about in one round; with more, each has its turn less often. */
const countedMax = 20

export class BrowserPoll {
  readonly #admin: MqAdmin
  readonly #clock: Clock
  readonly #view: () => View
  readonly #selectedGroup: () => string | undefined
  readonly #onInput: (input: BrowserInput) => void
  /** by topic, the latest known */
  readonly #records = new Map<string, number>()
  #listed: readonly Pick<GroupFacts, 'group' | 'state'>[] = []
  /** by group, the latest known */
  readonly #groupDetails = new Map<string, GroupDetails>()
  /** by group */
  readonly #lags = new Map<string, LagHistory>()
  /** of the topic, or the group, that is asked about next */
  #nextCounted = 0
  #isStopped = false

  constructor(options: {
    readonly admin: MqAdmin
    readonly clock: Clock
    /** the view that is shown */
    readonly view: () => View
    readonly selectedGroup: () => string | undefined
    readonly onInput: (input: BrowserInput) => void
  }) {
    this.#admin = options.admin
    this.#clock = options.clock
    this.#view = options.view
    this.#selectedGroup = options.selectedGroup
    this.#onInput = options.onInput
  }

  start(): void {
    void this.#run()
  }

  stop(): void {
    this.#isStopped = true
  }

  async #run(): Promise<void> {
    let polled: View | undefined
    let sinceMs = 0
    while (!this.#isStopped) {
      const view = this.#view()
      if (view !== polled || this.#clock.nowMs() >= sinceMs + periodMs) {
        polled = view
        await this.#poll(view)
        sinceMs = this.#clock.nowMs()
      }
      await new Promise<void>((resolve) => this.#clock.after(noticedMs, resolve))
    }
  }

  async #poll(view: View): Promise<void> {
    try {
      if (view === 'groups') await this.#groups()
      if (view === 'topics') await this.#topics()
    } catch (error) {
      // No broker can answer at the moment.
      if (!(error instanceof BrokerError)) throw error
    }
  }

  #tell(input: BrowserInput): void {
    if (!this.#isStopped) this.#onInput(input)
  }

  /** The selected group is described in every round, the others in turn. */
  async #groups(): Promise<void> {
    try {
      const listed = [...(await this.#admin.groups())].sort(byGroup)
      this.#listed = listed.map(({ group, state }) => ({ group, state }))
      for (const name of this.#groupDetails.keys()) {
        if (!listed.some(({ group }) => group === name)) this.#forget(name)
      }
      this.#tellGroups('')
      const turn = this.#turnOf(listed.map(({ group }) => group))
      const selected = this.#selectedGroup()
      const names = new Set(selected === undefined ? turn : [selected, ...turn])
      await Promise.all([...names].map((group) => this.#describe(group)))
      this.#tellGroups('')
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      this.#tellGroups(`not available: ${error.message}`)
    }
  }

  #tellGroups(problem: string): void {
    const groups = this.#listed.map(({ group, state }) => {
      const details = this.#groupDetails.get(group)
      const trend = this.#lags.get(group)?.trend
      return { group, state: details?.state ?? state, details, trend }
    })
    this.#tell({ type: 'groups', groups: { groups, problem } })
  }

  async #describe(group: string): Promise<void> {
    const details = await this.#admin.group(group)
    if (details === undefined) return this.#forget(group)
    this.#groupDetails.set(group, details)
    const lags = this.#lags.get(group) ?? new LagHistory()
    this.#lags.set(group, lags)
    lags.add(details.partitions, this.#clock.nowMs())
  }

  #forget(group: string): void {
    this.#groupDetails.delete(group)
    this.#lags.delete(group)
  }

  /** The names whose turn it is: at most `countedMax`. */
  #turnOf<T>(all: readonly T[]): readonly T[] {
    const from = this.#nextCounted < all.length ? this.#nextCounted : 0
    this.#nextCounted = from + countedMax
    return all.slice(from, from + countedMax)
  }

  async #topics(): Promise<void> {
    const topics = await this.#admin.topics()
    const tell = () =>
      this.#tell({ type: 'topics', topics: topics.map((one) => this.#topicFacts(one)) })
    tell()
    await Promise.all(this.#turnOf(topics).map((topic) => this.#count(topic)))
    tell()
  }

  async #count({ topic, problem }: TopicInfo): Promise<void> {
    if (problem !== undefined) return
    try {
      const offsets = await this.#admin.offsets(topic)
      this.#records.set(
        topic,
        offsets.reduce((sum, { earliest, latest }) => sum + latest - earliest, 0),
      )
    } catch (error) {
      // It has no leader, or was deleted.
      if (!(error instanceof BrokerError)) throw error
      this.#records.delete(topic)
    }
  }

  #topicFacts({ topic, partitions, problem }: TopicInfo): TopicFacts {
    return {
      topic,
      partitions: partitions.length,
      replicas: Math.max(0, ...partitions.map(replicaCountOf)),
      leaderless: partitions.filter(({ leader }) => leader === noBroker).length,
      behind: partitions.filter(isUnderReplicated).length,
      records: this.#records.get(topic),
      problem,
    }
  }
}

function byGroup(a: { readonly group: string }, b: { readonly group: string }): number {
  return a.group < b.group ? -1 : 1
}
