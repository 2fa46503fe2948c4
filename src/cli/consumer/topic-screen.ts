// A consumer of goals on the screen: records and the state of the cluster go into the view, and keys back to
// the consumer, until the user quits.

import type { Address } from '../../address.ts'
import type { ConsumedRecord, Consumer, TopicPartition } from '../../client/mq/consumer.ts'
import type { MqAdmin } from '../../client/mq/mq-admin.ts'
import type { Clock } from '../../clock.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'
import type { MqPlace } from '../mq-options.ts'
import { textOf } from '../record-text.ts'
import { ClusterPoll } from './cluster-poll.ts'
import { drawFrame } from './consumer-frame.ts'
import type { ConsumerView, ViewRecord } from './consumer-view.ts'
import { FrameCache } from './frame-cache.ts'
import type { Look } from './screen-palette.ts'
import { TerminalScreen } from './terminal-screen.ts'
import { formatTime } from './time-text.ts'

const progressMs = 250
const settledMs = 400

export class TopicScreen {
  readonly #view: ConsumerView
  readonly #consumer: Consumer
  readonly #admin: MqAdmin
  readonly #clock: Clock
  readonly #screen: TerminalScreen
  readonly #poll: ClusterPoll
  readonly #stopProgress: () => void
  #cancelReading: () => void = () => undefined
  #toldReading: BrokerId | undefined

  constructor(options: {
    readonly view: ConsumerView
    readonly look: Look
    readonly consumer: Consumer
    readonly servers: readonly Address[]
    /** where the cluster's brokers are */
    readonly client: MqPlace['client']
    readonly admin: MqAdmin
    readonly clock: Clock
    readonly onQuit: () => void
    /** called for one of the view's additional keys */
    readonly onKey?: (key: string) => void
  }) {
    const { view, look, consumer, servers, client, admin, clock, onQuit, onKey } = options
    this.#view = view
    this.#consumer = consumer
    this.#admin = admin
    this.#clock = clock
    const cache = new FrameCache()
    this.#screen = new TerminalScreen({
      title: `zw ${view.topic}`,
      look,
      draw: (size) => drawFrame(view, size, clock.nowMs(), cache),
      onKey: (key) => {
        const action = view.press(key)
        if (action === undefined) return
        if (action.type === 'quit') onQuit()
        else if (action.type === 'action') onKey?.(action.key)
        else if (action.paused) consumer.pause()
        else consumer.resume()
      },
    })
    this.#poll = new ClusterPoll({
      servers,
      client,
      topic: view.topic,
      clock,
      onState: (cluster) => {
        view.clusterIs(cluster)
        this.#screen.refresh()
      },
    })
    const readsFrom = (id: BrokerId) => {
      view.readingFrom(id)
      this.#tellReading(id)
    }
    if (consumer.broker !== undefined) readsFrom(consumer.broker)
    consumer.on('broker', readsFrom)
    consumer.on('reset', (...reset) => this.tell(resetText(...reset)))
    consumer.on('unavailable', (_, { message }) => this.tell(message))
    this.#stopProgress = clock.every(progressMs, () => this.#showProgress())
    this.#poll.start()
  }

  received(records: readonly ConsumedRecord[]): void {
    this.#view.received(records.map(viewRecord), this.#clock.nowMs())
    this.#showProgress()
  }

  /** Adds an event with the time of day. */
  tell(event: string, about?: string): void {
    this.#view.tell(formatTime(this.#clock.wallMs()), event, about)
    this.#screen.refresh()
  }

  /**
   * While no broker answers, the consumer tries one after the other; only the one it stays with is
   * reported.
   */
  #tellReading(id: BrokerId): void {
    this.#cancelReading()
    this.#cancelReading = this.#clock.after(settledMs, () => {
      if (id !== this.#toldReading) this.tell(`reading from broker ${id}`, 'reading')
      this.#toldReading = id
    })
  }

  close(): void {
    this.#cancelReading()
    this.#stopProgress()
    this.#poll.stop()
    this.#screen.close()
  }

  #showProgress(): void {
    if (this.#view.paused) void this.#showPausedLag()
    else {
      for (const { partition, lag } of this.#consumer.progress) {
        if (lag !== undefined) this.#view.lagging(partition, lag)
      }
    }
    this.#screen.refresh()
  }

  /** A paused consumer does not learn the ends of the partitions from fetches. */
  async #showPausedLag(): Promise<void> {
    try {
      const ends = await this.#admin.offsets(this.#view.topic)
      for (const { partition, position } of this.#consumer.progress) {
        const end = ends.find((one) => one.partition === partition)
        if (end !== undefined) this.#view.lagging(partition, Math.max(0, end.latest - position))
      }
    } catch (error) {
      // No broker can answer at the moment.
      if (!(error instanceof BrokerError)) throw error
    }
  }
}

/** @param from undefined: the committed value is not an offset */
export function resetText(
  { partition }: TopicPartition,
  to: number,
  from: number | undefined,
): string {
  const gone =
    from === undefined ? 'the committed value is not an offset' : `offset ${from} does not exist`
  return `partition ${partition}: ${gone}, continuing at ${to}`
}

function viewRecord(record: ConsumedRecord): ViewRecord {
  const { partition, offset, value } = record
  return { partition, offset, value: textOf(value) }
}
