// What a partition's log cannot tell by itself once retention or compaction has removed batches,
// and what a start would otherwise read all of the log for: the log start, the leader epochs and
// the producers, up to one committed offset, `end`. A start restores them and reads on from there.
//
// One file beside the segments, replaced as a whole:
//
//   snapshot.json   { "version": 1, "crc": …, "snapshot": { "logStart": …, "end": …, … } }
//
// The log start is durable here before anything before it is removed, and before any client learns
// of it. Truncation does not reach below `end`, except after an operator chose a leader without
// committed records: then the snapshot is replaced first.

import { DurableFile } from '../../durable-file.ts'
import type { LogDirectory } from '../../log/segment-file.ts'
import { crc32c } from '../../protocol/crc32c.ts'
import type { Offset, ProducerId } from '../../protocol/mq/record-batch.ts'
import type { EpochList } from './leader-epochs.ts'
import type { ProducerEntry } from './producer-states.ts'

const formatVersion = 1
const fileName = 'snapshot.json'

export interface LogSnapshot {
  /** everything before it was removed */
  readonly logStart: Offset
  /** epochs and producers are those of the log up to here; committed, at or after the log start */
  readonly end: Offset
  /** Compaction removed batches: two batches before it may have a gap between them. */
  readonly gapsBelow: Offset
  /** Before it, compaction left no record that a later one before it supersedes. */
  readonly compactedTo: Offset
  readonly epochs: EpochList
  readonly producers: readonly ProducerEntry[]
}

export const emptySnapshot: LogSnapshot = {
  logStart: 0,
  end: 0,
  gapsBelow: 0,
  compactedTo: 0,
  epochs: { baseEpoch: -1, starts: [] },
  producers: [],
}

/** The snapshot has a format version that this program does not know. */
class SnapshotVersionError extends Error {
  override readonly name = 'SnapshotVersionError'
}

export class SnapshotFile {
  readonly #file: DurableFile

  constructor(directory: LogDirectory) {
    this.#file = new DurableFile(directory, fileName)
  }

  get path(): string {
    return this.#file.path
  }

  /**
   * @returns undefined if there is none; 'damaged' if it fails its checksum
   * @throws SnapshotVersionError, or what the file system throws
   */
  read(): LogSnapshot | 'damaged' | undefined {
    const text = this.#file.read()?.toString('utf8')
    return text === undefined ? undefined : decode(text, this.path)
  }

  /** Resolves when it is durable. @throws what the file system throws */
  write(snapshot: LogSnapshot): Promise<void> {
    return this.#file.replaced(Buffer.from(encode(snapshot)))
  }

  /** Resolves when no write is pending. */
  settled(): Promise<void> {
    return this.#file.settled()
  }
}

function encode(snapshot: LogSnapshot): string {
  const { logStart, end, gapsBelow, compactedTo, epochs, producers } = snapshot
  const { baseEpoch, starts } = epochs
  const content = JSON.stringify({
    logStart,
    end,
    gapsBelow,
    compactedTo,
    baseEpoch,
    epochs: starts.map(({ epoch, startOffset }) => [epoch, startOffset]),
    producers: producers.map(rowOf),
  })
  return `{"version":${formatVersion},"crc":${crcOf(content)},"snapshot":${content}}\n`
}

interface Content {
  readonly logStart: Offset
  readonly end: Offset
  readonly gapsBelow: Offset
  /** missing where a log was never compacted by a release that remembers it */
  readonly compactedTo?: Offset
  readonly baseEpoch: number
  readonly epochs: readonly (readonly [number, number])[]
  readonly producers: readonly ProducerRow[]
}

function decode(text: string, path: string): LogSnapshot | 'damaged' {
  const [, version, crc, content = ''] =
    /^{"version":(\d+),"crc":(\d+),"snapshot":(.*)}\n$/s.exec(text) ?? []
  if (version === undefined || crc !== String(crcOf(content))) return 'damaged'
  if (version !== String(formatVersion)) {
    throw new SnapshotVersionError(
      `Cannot use ${path}: its format has version ${version}, and this release reads ` +
        `${formatVersion}: start the release that wrote it`,
    )
  }
  const found = JSON.parse(content) as Content
  const { logStart, end, gapsBelow, compactedTo = 0, baseEpoch, epochs, producers } = found
  const starts = epochs.map(([epoch, startOffset]) => ({ epoch, startOffset }))
  const known = producers.map(entryOf)
  const list = { baseEpoch, starts }
  return { logStart, end, gapsBelow, compactedTo, epochs: list, producers: known }
}

// --- producers -----------------------------------------------------------------------------------

/** [producer id, epoch, forgot more, forgot epochs, batches: [first, last sequence, offsets] …] */
type ProducerRow = readonly [
  number,
  number,
  boolean,
  boolean,
  readonly (readonly [number, number, number, number])[],
]

/** The producers as text, for a replica that begins anew. */
export function encodeProducers(entries: readonly ProducerEntry[]): string {
  return JSON.stringify(entries.map(rowOf))
}

/** @param text from `encodeProducers`, as the leader sent it */
export function decodeProducers(text: string): readonly ProducerEntry[] {
  return (JSON.parse(text) as readonly ProducerRow[]).map(entryOf)
}

function rowOf(entry: ProducerEntry): ProducerRow {
  const { producerId, epoch, forgotMore, forgotEpochs } = entry
  const batches = entry.batches.map(
    ({ firstSequence, lastSequence, baseOffset, lastOffset }) =>
      [firstSequence, lastSequence, baseOffset, lastOffset] as const,
  )
  return [producerId, epoch, forgotMore, forgotEpochs, batches]
}

function entryOf([id, epoch, forgotMore, forgotEpochs, rows]: ProducerRow): ProducerEntry {
  const batches = rows.map(([firstSequence, lastSequence, baseOffset, lastOffset]) => {
    return { firstSequence, lastSequence, baseOffset, lastOffset }
  })
  return { producerId: id as ProducerId, epoch, batches, forgotMore, forgotEpochs }
}

function crcOf(content: string): number {
  const bytes = Buffer.from(content)
  return crc32c(bytes, 0, bytes.length)
}
