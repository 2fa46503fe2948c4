// A topic that the browser reads: records and what is known of the cluster go into the model, and the
// model's effects to the consumer.

import { type Address, formatAddress } from '../../address.ts'
import type {
  BrokerAttempt,
  ConsumedRecord,
  Consumer,
  SeekTarget,
  TopicPartition,
} from '../../client/mq/consumer.ts'
import type { MqAdmin } from '../../client/mq/mq-admin.ts'
import type { Clock } from '../../clock.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'
import { ClusterPoll } from '../consumer/cluster-poll.ts'
import { formatTime } from '../consumer/time-text.ts'
import { resetText } from '../consumer/topic-screen.ts'
import { counted } from '../make-topic.ts'
import type { MqPlace } from '../mq-options.ts'
import type { BrowserEffect, BrowserInput } from './browser-inputs.ts'
import { BrowserModel } from './browser-model.ts'
import { BrowserPoll } from './browser-poll.ts'
import { isOuterError } from './outer-errors.ts'
import type { ResetOutcome, ResetRequest } from './reset-form.ts'
import type { Seek, SeekTo } from './seek-target.ts'

const progressMs = 250
/** How often the ends of paused partitions are asked for: fetches do not tell them. */
const pausedLagMs = 1000
/** While no broker answers, the consumer tries one after another; one that lasts is reported. */
const settledMs = 400

export interface TopicReadingOptions {
  readonly consumer: Consumer
  readonly group: string | undefined
  readonly servers: readonly Address[]
  /** where the cluster's brokers are */
  readonly client: MqPlace['client']
  readonly admin: MqAdmin
  readonly clock: Clock
  /** Something may look different. */
  readonly onChange: () => void
  /** for the effects that concern more than this topic */
  readonly onEffect: (effect: WiderEffect) => void
  /** A fault of ours, which ends the program. */
  readonly onFault: (error: unknown) => void
}

export type WiderEffect = Extract<
  BrowserEffect,
  { type: 'quit' | 'open' | 'copy' | 'produce' | 'export' }
>

export class TopicReading {
  readonly model: BrowserModel
  readonly consumer: Consumer
  readonly #clock: Clock
  readonly #admin: MqAdmin
  readonly #onChange: () => void
  readonly #onEffect: (effect: WiderEffect) => void
  readonly #onFault: (error: unknown) => void
  readonly #clusterPoll: ClusterPoll
  readonly #poll: BrowserPoll
  readonly #stopProgress: () => void
  #cancelReading: () => void = () => undefined
  #toldReading: BrokerId | undefined
  #pausedLagMs = Number.NEGATIVE_INFINITY
  #isAskingLag = false
  #isReconnecting = false
  #isClosed = false

  constructor(options: TopicReadingOptions) {
    const { consumer, group, servers, client, admin, clock, onChange, onEffect, onFault } = options
    const [topic = ''] = consumer.topics
    this.model = new BrowserModel({ topic, group })
    this.consumer = consumer
    this.#clock = clock
    this.#admin = admin
    this.#onChange = onChange
    this.#onEffect = onEffect
    this.#onFault = onFault
    this.#clusterPoll = new ClusterPoll({
      servers,
      client,
      topic,
      clock,
      onState: (cluster) => this.take({ type: 'cluster', cluster }),
    })
    this.#poll = new BrowserPoll({
      admin,
      clock,
      view: () => this.model.view,
      selectedGroup: () => this.model.selectedGroup,
      onInput: (input) => this.take(input),
    })
    const readsFrom = (id: BrokerId) => {
      this.take({ type: 'reading', broker: id })
      this.#tellReading(id)
    }
    if (consumer.broker !== undefined) readsFrom(consumer.broker)
    consumer.on('broker', readsFrom)
    consumer.on('reset', (...reset) => this.tell(resetText(...reset)))
    consumer.on('unavailable', (_, { message }) => this.tell(message))
    consumer.on('assigned', (places) => this.tell(`reading ${placesText(places)}`))
    consumer.on('revoked', (places) => this.tell(`the group takes ${placesText(places)}`))
    consumer.on('lost', (places) =>
      this.tell(`the group went on without us: ${placesText(places)}`),
    )
    this.#stopProgress = clock.every(progressMs, () => this.#showProgress())
    this.#clusterPoll.start()
    this.#poll.start()
    this.#showProgress()
  }

  received(records: readonly ConsumedRecord[]): void {
    this.take({ type: 'records', records, nowMs: this.#clock.nowMs() })
  }

  take(input: BrowserInput): void {
    if (this.#isClosed) return
    for (const effect of this.model.step(input)) this.#perform(effect)
    this.#onChange()
  }

  /** Adds an event with the time of day. */
  tell(text: string, about?: string): void {
    this.take({ type: 'event', time: formatTime(this.#clock.wallMs()), text, about })
  }

  close(): void {
    this.#isClosed = true
    this.#cancelReading()
    this.#stopProgress()
    this.#poll.stop()
    this.#clusterPoll.stop()
  }

  #perform(effect: BrowserEffect): undefined {
    switch (effect.type) {
      case 'quit':
      case 'open':
      case 'copy':
      case 'produce':
      case 'export':
        this.#onEffect(effect)
        return undefined
      case 'tell':
        this.tell(effect.text)
        return undefined
      case 'pause': {
        const { isPaused, partition } = effect
        const partitions = partition === undefined ? undefined : [partition]
        if (isPaused) this.consumer.pause(partitions)
        else this.consumer.resume(partitions)
        this.#showProgress()
        return undefined
      }
      case 'reconnect':
        this.#reconnect().catch(this.#onFault)
        return undefined
      case 'reset':
        this.#reset(effect.request).catch(this.#onFault)
        return undefined
      case 'seek':
        this.#seek(effect).catch(this.#onFault)
        return undefined
    }
  }

  /** One at a time: a second press changes nothing while brokers are being tried. */
  async #reconnect(): Promise<void> {
    if (this.#isReconnecting) return
    this.#isReconnecting = true
    this.tell('reconnecting: every broker is tried')
    try {
      const [attempts] = await Promise.all([this.consumer.reconnect(), this.#admin.reconnect()])
      this.tell(reconnectedText(attempts))
    } catch (error) {
      if (!isOuterError(error)) throw error
      this.tell(error.message)
    } finally {
      this.#isReconnecting = false
    }
  }

  async #reset(request: ResetRequest): Promise<void> {
    const outcome = await this.#resetOutcome(request)
    this.take({ type: 'resetAnswered', request, outcome })
  }

  async #resetOutcome(request: ResetRequest): Promise<ResetOutcome> {
    const { group } = request
    try {
      if (request.type === 'plan') {
        const planned = await this.#admin.planOffsets(group, request.reset)
        return { type: 'planned', planned }
      }
      await this.#admin.applyOffsets(group, request.planned)
      return { type: 'moved', count: request.planned.length }
    } catch (error) {
      if (!isOuterError(error)) throw error
      return { type: 'failed', message: error.message }
    }
  }

  #showProgress(): void {
    const { progress } = this.consumer
    this.take({
      type: 'partitions',
      partitions: progress.map(
        ({ partition, position, logStart, highWatermark, leader, isPaused }) => {
          return { partition, position, start: logStart, end: highWatermark, leader, isPaused }
        },
      ),
    })
    if (progress.some(({ isPaused }) => isPaused)) this.#askPausedLag().catch(this.#onFault)
  }

  async #askPausedLag(): Promise<void> {
    const nowMs = this.#clock.nowMs()
    if (this.#isAskingLag || nowMs < this.#pausedLagMs + pausedLagMs) return
    this.#isAskingLag = true
    this.#pausedLagMs = nowMs
    try {
      await this.consumer.refreshLag()
    } catch (error) {
      // No broker can answer at the moment, or the consumer was closed.
      if (!(error instanceof BrokerError)) throw error
    } finally {
      this.#isAskingLag = false
    }
  }

  async #seek({ to, partition }: Seek): Promise<void> {
    const all = this.consumer.progress.map((one) => one.partition)
    const partitions = partition === undefined ? all : [partition]
    try {
      // The offsets that exist: a seek to another would end the consumer.
      await this.consumer.refreshLag()
      for (const one of partitions) {
        const target = this.#targetOf(to, one)
        if (target !== undefined) await this.consumer.seek(target, { partitions: [one] })
      }
      this.take({ type: 'sought' })
      this.#showProgress()
      this.tell(
        `reading ${seekText(to)}${partition === undefined ? '' : ` in partition ${partition}`}`,
      )
    } catch (error) {
      if (!isOuterError(error)) throw error
      this.tell(error.message)
    }
  }

  #targetOf(to: SeekTo, partition: number): SeekTarget | undefined {
    const found = this.consumer.progress.find((one) => one.partition === partition)
    switch (to.type) {
      case 'beginning':
      case 'end':
        return to.type
      case 'last':
        return { last: to.count }
      case 'offset':
        return Math.max(
          found?.logStart ?? 0,
          Math.min(to.offset, found?.highWatermark ?? to.offset),
        )
      case 'time':
        return { timestampMs: to.timeMs }
    }
  }

  #tellReading(id: BrokerId): void {
    this.#cancelReading()
    this.#cancelReading = this.#clock.after(settledMs, () => {
      if (id !== this.#toldReading) this.tell(`reading from broker ${id}`, 'reading')
      this.#toldReading = id
    })
  }
}

/** `2 of 3 brokers answer: 127.0.0.1:4103 connection refused` */
export function reconnectedText(attempts: readonly BrokerAttempt[]): string {
  const count = attempts.length
  if (count === 0) return 'no broker is known'
  const failed = attempts.flatMap(({ broker, problem }) => {
    return problem === undefined ? [] : [`${formatAddress(broker)} ${problem}`]
  })
  if (failed.length > 0) {
    return `${count - failed.length} of ${counted(count, 'broker')} answered: ${failed.join(', ')}`
  }
  return count === 1 ? 'the broker answered' : `all ${count} brokers answered`
}

function placesText(places: readonly TopicPartition[]): string {
  const partitions = places.map(({ partition }) => partition).join(', ')
  return `partition${places.length === 1 ? '' : 's'} ${partitions}`
}

function seekText(to: SeekTo): string {
  switch (to.type) {
    case 'beginning':
      return 'from the beginning'
    case 'end':
      return 'from the end'
    case 'offset':
      return `from offset ${to.offset}, or the nearest one that exists`
    case 'last':
      return `the last ${to.count} records`
    case 'time':
      return `from ${new Date(to.timeMs).toLocaleString('sv')}`
  }
}
