// The directory of one partition's log, named by topic id and partition: a topic's name may exceed
// the length of a file name, and a topic that is deleted and created again is a new topic. A small
// file beside the segments names the topic for operators:
//
//   mTYQqlBkRd-oQ4ZXYyRjWQ-0/
//     partition.json               { "version": 1, "topic": "goals", "partition": 0, "topicId": … }
//     replacement                  a compacted segment that is being written: log/replacement.ts
//     snapshot.json                the log start, epochs and producers: log-snapshot.ts
//     incomplete                   empty; the log lacks records of its lost directory
//     suspect                      empty; a read found damage: the next start reads all of the log
//     cut-00000000000000c8         bytes that a start cut off after offset 200: log/recovery.ts
//     superseded-tail              the latest such bytes, once the log is in sync again
//     0000000000000000.segment     log/segment.ts
//     0000000000000000.index       log/index-file.ts
//
// Next on the path: partition-log.ts.

import { replaceFileNow } from '../../durable-file.ts'
import { keptTailPrefix } from '../../log/recovery.ts'
import type { LogDirectory } from '../../log/segment-file.ts'

const formatVersion = 1
const fileName = 'partition.json'
const incompleteName = 'incomplete'
const supersededName = 'superseded-tail'
const suspectName = 'suspect'

export interface PartitionName {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
}

/** The directory belongs to another partition, or its file does not say for certain. */
class PartitionDirectoryError extends Error {
  override readonly name = 'PartitionDirectoryError'
}

export function directoryName({
  topicId,
  partition,
}: Pick<PartitionName, 'topicId' | 'partition'>): string {
  return `${topicId}-${partition}`
}

/** Whether the directory was never used, or an operator emptied it. */
export function isNewDirectory(directory: LogDirectory): boolean {
  return !directory.list().includes(fileName)
}

/** Marks a new directory whose log should already have records. Durable on return. */
export function markIncomplete(directory: LogDirectory): void {
  directory.create(incompleteName).close()
  directory.syncNow()
}

export function isIncomplete(directory: LogDirectory): boolean {
  return directory.list().includes(incompleteName)
}

/** A read found damage that a start need not find. Durable on return. */
export function markSuspect(directory: LogDirectory): void {
  directory.create(suspectName).close()
  directory.syncNow()
}

export function isSuspect(directory: LogDirectory): boolean {
  return directory.list().includes(suspectName)
}

/** All of the log was read, and is sound. */
export function clearSuspicion(directory: LogDirectory): void {
  directory.remove(suspectName)
}

/** Whether bytes were cut off the log's end since it was last in sync. */
export function hasCutTail(directory: LogDirectory): boolean {
  return directory.list().some(isCutTail)
}

/**
 * The log is in sync, so it has again what was lost. Of the bytes that were cut, the last are kept.
 */
export function forgetLoss(directory: LogDirectory): void {
  const names = directory.list()
  for (const name of names.filter(isCutTail)) directory.rename(name, supersededName)
  if (names.includes(incompleteName)) directory.remove(incompleteName)
  directory.syncNow()
}

function isCutTail(name: string): boolean {
  return name.startsWith(keptTailPrefix)
}

/**
 * Checks that the directory is this partition's; writes the file if there is none.
 *
 * The file's content is durable on return. Its name becomes durable with the directory's next
 * `sync`, which precedes the first record: see `recover` in log/recovery.ts.
 *
 * @throws PartitionDirectoryError, or what the file system throws
 */
export function claimDirectory(directory: LogDirectory, name: PartitionName): void {
  if (directory.list().includes(fileName)) {
    const found = problemOf(read(directory), name)
    if (found === undefined) return
    throw new PartitionDirectoryError(`Cannot use ${directory.path}: ${found}`)
  }
  const { topic, partition, topicId } = name
  const text = JSON.stringify({ version: formatVersion, topic, partition, topicId })
  replaceFileNow(directory, fileName, Buffer.from(`${text}\n`))
}

function read(directory: LogDirectory): string {
  const file = directory.open(fileName)
  try {
    const bytes = Buffer.alloc(file.sizeBytes())
    return bytes.toString('utf8', 0, file.read(bytes, 0))
  } finally {
    file.close()
  }
}

/** @returns why a directory with this text in its file is not that of `name`; undefined if it is */
function problemOf(text: string, name: PartitionName): string | undefined {
  let found: { version?: unknown; topic?: unknown; partition?: unknown; topicId?: unknown }
  try {
    found = (JSON.parse(text) ?? {}) as typeof found
  } catch {
    return `its ${fileName} is damaged`
  }
  const { version, topic, partition, topicId } = found
  if (version !== formatVersion) return `its ${fileName} has format version ${String(version)}`
  if (topicId === name.topicId && partition === name.partition) return undefined
  return `it holds partition ${String(partition)} of topic '${String(topic)}' (${String(topicId)})`
}
