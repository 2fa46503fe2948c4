// Replicas of this broker that cannot be used, each with its reason: the rest of the broker serves on.
// Pure. replica-manager.ts fills it, tries again what may be gone by itself, and tells the cluster.
//
// Tried again is only what failed before any byte was written or read: a file descriptor that was
// missing, a directory that could not be entered. A damaged log is the same the next time, and what
// is read after a failed fsync may not be on the disk: those wait for a restart, and for a person.

import { LogDamagedError } from '../../log/log-errors.ts'
import type { PartitionName } from '../partition/partition-directory.ts'

/** After the first failure; twice as long after each further one. */
const retryMsMin = 500
const retryMsMax = 30_000
/** Of a sentence that goes into a znode and into answers. */
const reasonLengthMax = 500

const transientCodes: ReadonlySet<string> = new Set([
  'EMFILE',
  'ENFILE',
  'EACCES',
  'EPERM',
  'EEXIST',
  'ENOTDIR',
  'EISDIR',
  'ENOENT',
  'ELOOP',
  'EROFS',
  'ENOSPC',
  'EDQUOT',
])

interface UnavailableReplica extends PartitionName {
  readonly reason: string
  /** bytes that were durable are not there: what the disk promised is void */
  readonly isDamaged: boolean
}

interface Entry extends UnavailableReplica {
  /** undefined: not before something else changes */
  readonly retry: { readonly atMs: number; readonly delayMs: number } | undefined
}

export class UnavailableReplicas {
  /** by directory name */
  readonly #entries = new Map<string, Entry>()

  get all(): ReadonlyMap<string, UnavailableReplica> {
    return this.#entries
  }

  /** It could not be opened. @returns whether that, or its reason, is news */
  failed(key: string, { topic, topicId, partition }: PartitionName, error: Error, nowMs: number) {
    const before = this.#entries.get(key)
    const delayMs =
      before?.retry === undefined ? retryMsMin : Math.min(2 * before.retry.delayMs, retryMsMax)
    const retry = isTransient(error) ? { atMs: nowMs + delayMs, delayMs } : undefined
    const reason = error.message.slice(0, reasonLengthMax)
    const isDamaged = error instanceof LogDamagedError
    this.#entries.set(key, { topic, topicId, partition, reason, isDamaged, retry })
    return before?.reason !== reason
  }

  /** It is open, and may not lead or follow. @returns whether that, or its reason, is news */
  refused(key: string, { topic, topicId, partition }: PartitionName, reason: string): boolean {
    const before = this.#entries.get(key)
    this.#entries.set(key, {
      topic,
      topicId,
      partition,
      reason,
      isDamaged: false,
      retry: undefined,
    })
    return before?.reason !== reason
  }

  /** It can be used, or is not ours any more. @returns whether that is news */
  remove(key: string): boolean {
    return this.#entries.delete(key)
  }

  /** Whether to try to open it now. */
  mayOpen(key: string, nowMs: number): boolean {
    const entry = this.#entries.get(key)
    return entry === undefined || (entry.retry !== undefined && entry.retry.atMs <= nowMs)
  }

  /** Whether any is to be tried again now. */
  isDue(nowMs: number): boolean {
    for (const { retry } of this.#entries.values()) {
      if (retry !== undefined && retry.atMs <= nowMs) return true
    }
    return false
  }
}

function isTransient(error: Error): boolean {
  return transientCodes.has((error as NodeJS.ErrnoException).code ?? '')
}
