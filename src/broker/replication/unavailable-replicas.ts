// Replicas of this broker that cannot be used, each with its reason; the other replicas still
// serve. Pure. replica-manager.ts fills it, retries faults that may go away by themselves, and
// reports them.
//
// Only a failure before any byte was read or written is retried, such as a missing file descriptor
// or a directory that could not be entered. A damaged log stays damaged, and data read after a
// failed fsync may not be on the disk: these wait for an operator and a restart.

import { LogDamagedError } from '../../log/log-errors.ts'
import type { PartitionName } from '../partition/partition-directory.ts'

/** Delay after the first failure; it doubles with each further one. */
const retryMsMin = 500
const retryMsMax = 30_000
/** Maximum length of a reason, which goes into a znode and into answers. */
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
  /** bytes that were durable are missing: the replica no longer counts as in sync */
  readonly isDamaged: boolean
}

interface Entry extends UnavailableReplica {
  /** undefined: it is not retried */
  readonly retry: { readonly atMs: number; readonly delayMs: number } | undefined
}

export class UnavailableReplicas {
  /** by directory name */
  readonly #entries = new Map<string, Entry>()

  get all(): ReadonlyMap<string, UnavailableReplica> {
    return this.#entries
  }

  /** The replica could not be opened. @returns whether that, or its reason, is new */
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

  /**
   * The replica is open but may not lead or follow.
   *
   * @returns whether that, or its reason, is new
   */
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

  /** The replica is usable, or no longer this broker's. @returns whether that is new */
  remove(key: string): boolean {
    return this.#entries.delete(key)
  }

  /** Whether to try to open it now. */
  mayOpen(key: string, nowMs: number): boolean {
    const entry = this.#entries.get(key)
    return entry === undefined || (entry.retry !== undefined && entry.retry.atMs <= nowMs)
  }

  /** Whether any replica is due for another try. */
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
