// The directory of one partition's log, named by topic id and partition: a topic's name may be longer
// than a file's name may be, and a topic that is deleted and created again is another one. What an
// operator wants to know of it lies in a small file beside the segments:
//
//   mTYQqlBkRd-oQ4ZXYyRjWQ-0/
//     partition.json               { "version": 1, "topic": "goals", "partition": 0, "topicId": "mTYQ…" }
//     incomplete                   empty; while the log lacks what it had before its directory was lost
//     cut-00000000000000c8         bytes that were cut behind offset 200 at a start: log/recovery.ts
//     superseded-tail              the last such bytes, once the log was in sync again
//     0000000000000000.segment     log/segment.ts
//
// Next on the path: partition-log.ts.

import { keptTailPrefix } from '../../log/recovery.ts'
import type { LogDirectory } from '../../log/segment-file.ts'

const formatVersion = 1
const fileName = 'partition.json'
const newFileName = `${fileName}.new`
const incompleteName = 'incomplete'
const supersededName = 'superseded-tail'

export interface PartitionName {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
}

/** This directory is not, or not for certain, the one of that partition. */
class PartitionDirectoryError extends Error {
  override readonly name = 'PartitionDirectoryError'
}

export function directoryName({
  topicId,
  partition,
}: Pick<PartitionName, 'topicId' | 'partition'>): string {
  return `${topicId}-${partition}`
}

/** Whether there was never anything in it, or a person took it away. */
export function isNewDirectory(directory: LogDirectory): boolean {
  return !directory.list().includes(fileName)
}

/** Marks a new directory as one that should have records. Durable on return. */
export function markIncomplete(directory: LogDirectory): void {
  directory.create(incompleteName).close()
  directory.syncNow()
}

export function isIncomplete(directory: LogDirectory): boolean {
  return directory.list().includes(incompleteName)
}

/** Whether bytes were cut off the log's end since it was in sync. */
export function hasCutTail(directory: LogDirectory): boolean {
  return directory.list().some(isCutTail)
}

/** The log is in sync: whatever was lost is in it again. Of the bytes that were cut the last stay. */
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
 * Makes sure that the directory is this partition's, and says so in it if nothing does.
 *
 * The file's content is durable on return. Its name is with the directory's next `sync`, which
 * comes before the first record: see `recover` in log/recovery.ts.
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
  const file = directory.create(newFileName)
  try {
    file.write(Buffer.from(`${text}\n`), 0)
    file.syncNow()
  } finally {
    file.close()
  }
  directory.rename(newFileName, fileName)
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

/** @returns why a directory with this text in its file is not the one of `name`; undefined: it is */
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
