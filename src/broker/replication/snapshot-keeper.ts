// The snapshot of one replica's log (partition/log-snapshot.ts), as it is on the disk. One write is in
// flight at a time. A write that fails ends the process, as a failed write of the log does.

import { LogFailedError } from '../../log/log-errors.ts'
import type { LogDirectory } from '../../log/segment-file.ts'
import { emptySnapshot, type LogSnapshot, SnapshotFile } from '../partition/log-snapshot.ts'

export class SnapshotKeeper {
  readonly #file: SnapshotFile
  readonly #failed: (error: LogFailedError) => void
  #written: LogSnapshot
  #pending: Promise<void> | undefined
  /** The file exists but fails its checksum: all of the log is read, and gaps in it are accepted. */
  readonly isDamaged: boolean

  /** @throws SnapshotVersionError, or what the file system throws */
  constructor(directory: LogDirectory, failed: (error: LogFailedError) => void) {
    this.#file = new SnapshotFile(directory)
    this.#failed = failed
    const found = this.#file.read()
    this.isDamaged = found === 'damaged'
    // biome-ignore lint/plugin/noObjectSpread: once per start
    const rebuilt = { ...emptySnapshot, gapsBelow: Number.MAX_SAFE_INTEGER }
    this.#written = found === 'damaged' ? rebuilt : (found ?? emptySnapshot)
  }

  /** The snapshot on the disk. */
  get written(): LogSnapshot {
    return this.#written
  }

  /** The write in flight; it never rejects. */
  get pending(): Promise<void> | undefined {
    return this.#pending
  }

  /** @returns whether it is durable; if not, the owner was told that the disk failed */
  async write(snapshot: LogSnapshot): Promise<boolean> {
    while (this.#pending !== undefined) await this.#pending
    let isDurable = false
    const writing = this.#file.write(snapshot).then(
      () => {
        this.#written = snapshot
        isDurable = true
      },
      (error: Error) => this.#failed(new LogFailedError(this.#file.path, error)),
    )
    this.#pending = writing.then(() => {
      this.#pending = undefined
    })
    await this.#pending
    return isDurable
  }

  settled(): Promise<void> {
    return this.#file.settled()
  }
}
