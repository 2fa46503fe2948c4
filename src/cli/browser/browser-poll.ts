// Asks about groups and topics, for the views that show them and only while they are shown.

import type { MqAdmin } from '../../client/mq/mq-admin.ts'
import type { Clock } from '../../clock.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { noBroker } from '../../protocol/mq/messages.ts'
import type { TopicInfo } from '../../protocol/mq/metadata.ts'
import type { GroupsFacts, TopicFacts } from './browser-facts.ts'
import type { BrowserInput, View } from './browser-model.ts'

const periodMs = 2000
/** A view that was just opened is filled soon. */
const noticedMs = 200
/** Topics whose offsets are asked for in one round; with more, each is asked about less often. */
const countedMax = 20

export class BrowserPoll {
  readonly #admin: MqAdmin
  readonly #group: string | undefined
  readonly #topic: string
  readonly #clock: Clock
  readonly #view: () => View
  readonly #onInput: (input: BrowserInput) => void
  /** by topic, the latest known */
  readonly #records = new Map<string, number>()
  /** of the topic that is counted next */
  #nextCounted = 0
  #isStopped = false

  constructor(options: {
    readonly admin: MqAdmin
    readonly group: string | undefined
    readonly topic: string
    readonly clock: Clock
    /** the view that is shown */
    readonly view: () => View
    readonly onInput: (input: BrowserInput) => void
  }) {
    this.#admin = options.admin
    this.#group = options.group
    this.#topic = options.topic
    this.#clock = options.clock
    this.#view = options.view
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
      if (view === 'groups') this.#tell({ type: 'groups', groups: await this.#groups() })
      if (view === 'topics') await this.#topics()
    } catch (error) {
      // No broker can answer at the moment.
      if (!(error instanceof BrokerError)) throw error
    }
  }

  #tell(input: BrowserInput): void {
    if (!this.#isStopped) this.#onInput(input)
  }

  async #groups(): Promise<GroupsFacts> {
    const missing = 'not available: brokers do not list groups and members in this protocol yet'
    const group = this.#group
    if (group === undefined) return { groups: [], missing }
    const offsets = await this.#admin.groupOffsets(group, this.#topic)
    const places = offsets.map(({ partition, committed, lag }) => {
      return { topic: this.#topic, partition, committed, lag }
    })
    return { groups: [{ group, state: '', members: [], places }], missing }
  }

  async #topics(): Promise<void> {
    const topics = await this.#admin.topics()
    const tell = () =>
      this.#tell({ type: 'topics', topics: topics.map((one) => this.#topicFacts(one)) })
    tell()
    const from = this.#nextCounted < topics.length ? this.#nextCounted : 0
    this.#nextCounted = from + countedMax
    await Promise.all(topics.slice(from, from + countedMax).map((topic) => this.#count(topic)))
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
      replicas: Math.max(0, ...partitions.map(({ replicas }) => replicas.length)),
      leaderless: partitions.filter(({ leader }) => leader === noBroker).length,
      behind: partitions.filter(({ isr, replicas }) => isr.length < replicas.length).length,
      records: this.#records.get(topic),
      problem,
    }
  }
}
