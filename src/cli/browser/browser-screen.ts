// `zw consume` on a terminal: shows one topic, and others that the user opens, until the user quits.

import type { ConsumedRecord, Consumer } from '../../client/mq/consumer.ts'
import { Producer } from '../../client/mq/producer.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { follow } from '../consumer/follow.ts'
import type { Look } from '../consumer/screen-palette.ts'
import { TerminalScreen } from '../consumer/terminal-screen.ts'
import { BrowserCache, drawBrowser } from './browser-frame.ts'
import { hitAt } from './browser-layout.ts'
import { exportRecords } from './export-file.ts'
import { type ExportRequest, exportedText } from './export-form.ts'
import { isOuterError } from './outer-errors.ts'
import { type Produced, producedText } from './produce-form.ts'
import { TopicReading, type TopicReadingOptions, type WiderEffect } from './topic-reading.ts'
import type { TypedRecord } from './typed-record.ts'

/** A record that is produced is given up after this time. */
const deliveryTimeoutMs = 10_000

export interface BrowserOptions
  extends Pick<TopicReadingOptions, 'group' | 'servers' | 'client' | 'admin' | 'clock'> {
  readonly look: Look
  /** Without it, the terminal selects text with the mouse. */
  readonly mouse: boolean
  /** of the first topic, which has started */
  readonly consumer: Consumer
  readonly consumerOf: (topic: string) => Consumer
  /** for the first topic */
  readonly max: number | undefined
  readonly ends: ReadonlyMap<number, number> | undefined
  readonly signal: AbortSignal
}

/** What was read of the last topic. */
export interface Browsed {
  readonly topic: string
  readonly count: number
  readonly lag: number | undefined
}

/**
 * Ends when the user quits, or the first topic is read as far as wanted. A record that was sent before is
 * settled then.
 */
export async function browse(options: BrowserOptions): Promise<Browsed> {
  const browser = new Browser(options)
  const stop = () => void browser.quit()
  options.signal.addEventListener('abort', stop)
  try {
    return await browser.run()
  } finally {
    options.signal.removeEventListener('abort', stop)
    await browser.close()
  }
}

class Browser {
  readonly #options: BrowserOptions
  readonly #screen: TerminalScreen
  #reading: TopicReading
  #cache = new BrowserCache()
  /** the consumer of the topic that was opened: it is next */
  #next: Consumer | undefined
  #isOpening = false
  /** once a record is produced */
  #producer: Producer | undefined
  /** files that are being written */
  readonly #exports = new Set<Promise<void>>()
  readonly #faults = new Faults()
  #isClosed = false

  constructor(options: BrowserOptions) {
    this.#options = options
    const { look, mouse, clock, consumer } = options
    this.#reading = this.#read(consumer)
    this.#screen = new TerminalScreen({
      title: `zw ${consumer.topics}`,
      look,
      draw: (size) => drawBrowser(this.#reading.model, size, clock.nowMs(), this.#cache),
      onKey: (key, char, isBurst) =>
        this.#reading.take({ type: 'key', key, char, wallMs: clock.wallMs(), isBurst }),
      onPaste: (text) => this.#reading.take({ type: 'paste', text }),
      onMouse: mouse
        ? ({ type, x, y }, size) => {
            const hit = hitAt(this.#reading.model, size, { x, y })
            this.#reading.take({ type: 'mouse', event: type, hit })
          }
        : undefined,
    })
  }

  /** Rejects with the first fault of what is done beside the reading. */
  async run(): Promise<Browsed> {
    return await Promise.race([this.#run(), this.#faults.first])
  }

  async #run(): Promise<Browsed> {
    const { group, max, ends } = this.#options
    const bounds = { max, ends }
    for (let isFirst = true; ; isFirst = false) {
      const reading = this.#reading
      const { consumer } = reading
      const count = await follow({
        consumer,
        onRecords: (records) => yieldAfter(reading, records),
        commits: isFirst && group !== undefined,
        ...(isFirst ? bounds : {}),
      })
      const next = this.#next
      if (next === undefined) return { topic: reading.model.topic, count, lag: consumer.lag }
      this.#next = undefined
      reading.close()
      this.#cache = new BrowserCache()
      this.#reading = this.#read(next)
      this.#screen.refresh()
    }
  }

  async quit(): Promise<void> {
    await this.#reading.consumer.close()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#screen.close()
    this.#reading.close()
    void this.#reading.consumer.close()
    await this.#producer?.close()
    await Promise.all(this.#exports)
  }

  #read(consumer: Consumer): TopicReading {
    const { group, servers, client, admin, clock } = this.#options
    return new TopicReading({
      consumer,
      group,
      servers,
      client,
      admin,
      clock,
      onChange: () => this.#screen?.refresh(),
      onEffect: (effect) => this.#perform(effect),
      onFault: this.#faults.report,
    })
  }

  #perform(effect: WiderEffect): undefined {
    switch (effect.type) {
      case 'quit':
        this.quit().catch(this.#faults.report)
        return undefined
      case 'open':
        this.#open(effect.topic).catch(this.#faults.report)
        return undefined
      case 'copy':
        this.#screen.copy(effect.bytes)
        return undefined
      case 'produce':
        this.#produce(effect.record).catch(this.#faults.report)
        return undefined
      case 'export': {
        const writing = this.#export(effect.request)
          .catch(this.#faults.report)
          .finally(() => this.#exports.delete(writing))
        this.#exports.add(writing)
        return undefined
      }
    }
  }

  /** The outcome belongs to the topic's form, and is told wherever the user is by then. */
  async #produce(record: TypedRecord): Promise<void> {
    const reading = this.#reading
    const { topic } = reading.model
    const outcome = await this.#sent(topic, record)
    if (reading === this.#reading) reading.take({ type: 'produced', outcome })
    else this.#reading.tell(`${topic}: ${producedText(outcome)}`)
  }

  async #sent(topic: string, { partition, ...rest }: TypedRecord): Promise<Produced> {
    this.#producer ??= new Producer({ ...this.#options.client, deliveryTimeoutMs })
    try {
      const record = { topic, ...rest, ...(partition === undefined ? {} : { partition }) }
      const stored = await this.#producer.send(record)
      return { type: 'stored', partition: stored.partition, offset: stored.offset }
    } catch (error) {
      if (!isOuterError(error)) throw error
      return { type: 'failed', message: error.message }
    }
  }

  async #export(request: ExportRequest): Promise<void> {
    const reading = this.#reading
    const outcome = await exportRecords(request)
    if (reading === this.#reading) reading.take({ type: 'exported', request, outcome })
    else this.#reading.tell(exportedText(outcome))
  }

  /** The topic so far stays if the other one cannot be read. */
  async #open(topic: string): Promise<void> {
    if (this.#isOpening) return
    this.#isOpening = true
    const { consumer } = this.#reading
    const next = this.#options.consumerOf(topic)
    this.#reading.tell(`opening ${topic}`, 'opening')
    try {
      await next.start()
      // The user may have quit meanwhile.
      if (this.#isClosed) return await next.close()
      this.#next = next
      await consumer.close()
    } catch (error) {
      await next.close()
      if (!(error instanceof BrokerError)) throw error
      this.#reading.tell(error.message, 'opening')
    } finally {
      this.#isOpening = false
    }
  }
}

/** The first fault of what nothing waits for: it ends the program with its message. */
class Faults {
  readonly first: Promise<never>
  #reject: (error: unknown) => void = () => undefined

  constructor() {
    this.first = new Promise((_, reject) => {
      this.#reject = reject
    })
    // One after the end of the program's run has no other owner.
    this.first.catch(() => undefined)
  }

  readonly report = (error: unknown): void => this.#reject(error)
}

/** Keys and frames come in between batches, however fast these follow each other. */
async function yieldAfter(
  reading: TopicReading,
  records: readonly ConsumedRecord[],
): Promise<void> {
  reading.received(records)
  await new Promise<void>((resolve) => setImmediate(resolve))
}
