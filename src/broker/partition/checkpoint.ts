// How far each replica's log was durable and committed, written periodically to a file outside the
// log. After a restart it distinguishes damage from a torn tail (log/recovery.ts), and it shows an
// election by reports which committed records a log has lost. An entry may lag behind its log but
// must never be ahead of it, so it is lowered before the log is truncated.
//
// One file, replaced as a whole:
//
//   { "version": 1, "crc": …,
//     "logs": { "<topic id>-<partition>": [durableEnd, highWatermark, lastEpoch] } }

import type { DurableFile } from '../../durable-file.ts'
import { crc32c } from '../../protocol/crc32c.ts'
import type { Offset } from '../../protocol/mq/record-batch.ts'

const formatVersion = 1

export interface LogCheckpoint {
  /** everything before it is on the disk */
  readonly durableEnd: Offset
  /** everything before it is committed */
  readonly highWatermark: Offset
  /** of the last record */
  readonly lastEpoch: number
}

export const noCheckpoint: LogCheckpoint = { durableEnd: 0, highWatermark: 0, lastEpoch: -1 }

type Logs = ReadonlyMap<string, LogCheckpoint>

export class Checkpoint {
  readonly #file: DurableFile
  readonly #logs: Map<string, LogCheckpoint>
  /** whether the file exists but is damaged: then damage to a log may be taken for a torn tail */
  readonly isDamaged: boolean
  #hasChanged = true
  #isWriting = false
  #waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = []

  /** @throws what the file system throws */
  constructor(file: DurableFile) {
    this.#file = file
    const text = file.read()?.toString('utf8')
    const found = text === undefined ? undefined : decode(text)
    this.isDamaged = text !== undefined && found === undefined
    this.#logs = found ?? new Map()
  }

  get(name: string): LogCheckpoint {
    return this.#logs.get(name) ?? noCheckpoint
  }

  /**
   * Sets these entries; resolves when the whole file is durable.
   *
   * @throws what the file system throws
   */
  write(logs: Logs): Promise<void> {
    for (const [name, log] of logs) {
      if (!isSame(this.#logs.get(name), log)) this.#set(name, log)
    }
    return this.#durable()
  }

  /**
   * To be awaited before the log is cut at `end`: afterwards a crash cannot make that look like
   * damage.
   */
  async lower(name: string, end: Offset): Promise<void> {
    const { durableEnd, highWatermark, lastEpoch } = this.get(name)
    if (durableEnd <= end && highWatermark <= end) return
    this.#set(name, {
      durableEnd: Math.min(durableEnd, end),
      highWatermark: Math.min(highWatermark, end),
      lastEpoch,
    })
    await this.#durable()
  }

  /** Drops the entries of logs that were removed. */
  async forget(names: readonly string[]): Promise<void> {
    const known = names.filter((name) => this.#logs.delete(name))
    if (known.length === 0) return
    this.#hasChanged = true
    await this.#durable()
  }

  #set(name: string, log: LogCheckpoint): void {
    this.#logs.set(name, log)
    this.#hasChanged = true
  }

  /** One write is in flight at a time; the next one serves every caller that waits by then. */
  #durable(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      if (!this.#isWriting) void this.#writeAll()
    })
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true
    while (this.#waiting.length > 0) {
      const waiting = this.#waiting
      this.#waiting = []
      const isDue = this.#hasChanged
      this.#hasChanged = false
      try {
        if (isDue) await this.#file.replaced(Buffer.from(encode(this.#logs)))
        for (const { resolve } of waiting) resolve()
      } catch (error) {
        this.#hasChanged = true
        for (const { reject } of waiting) reject(error as Error)
      }
    }
    this.#isWriting = false
  }
}

function isSame(a: LogCheckpoint | undefined, b: LogCheckpoint): boolean {
  if (a?.durableEnd !== b.durableEnd || a.highWatermark !== b.highWatermark) return false
  return a.lastEpoch === b.lastEpoch
}

function encode(logs: Logs): string {
  const entries = [...logs].map(([name, { durableEnd, highWatermark, lastEpoch }]) => [
    name,
    [durableEnd, highWatermark, lastEpoch],
  ])
  const content = JSON.stringify(Object.fromEntries(entries))
  return `{"version":${formatVersion},"crc":${crcOf(content)},"logs":${content}}\n`
}

/** @returns undefined for text that `encode` did not write */
function decode(text: string): Map<string, LogCheckpoint> | undefined {
  const [, version, crc, content = ''] =
    /^{"version":(\d+),"crc":(\d+),"logs":(.*)}\n$/s.exec(text) ?? []
  if (version !== String(formatVersion) || crc !== String(crcOf(content))) return undefined
  const logs = new Map<string, LogCheckpoint>()
  const found = JSON.parse(content) as Record<string, readonly [number, number, number]>
  for (const [name, [durableEnd, highWatermark, lastEpoch]] of Object.entries(found)) {
    logs.set(name, { durableEnd, highWatermark, lastEpoch })
  }
  return logs
}

function crcOf(content: string): number {
  const bytes = Buffer.from(content)
  return crc32c(bytes, 0, bytes.length)
}
