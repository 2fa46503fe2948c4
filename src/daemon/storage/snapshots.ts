// What the ensemble asks of the disk when a learner needs the leader's tree. storage.ts has it for the
// trees in LevelDB; ensemble/snapshot-transfer.ts carries the pieces.

import type { Zxid } from '../../protocol/zxid.ts'
import type { TxnLog } from './txn-log.ts'

/** The trees on this server's disk. */
export interface Snapshots {
  /** The tree as it is now, while it goes on changing; committed transactions only. */
  read(): Promise<SnapshotReader>
  /** A place for another tree beside the one in force. */
  receive(): Promise<SnapshotReceiver>
}

export interface SnapshotReader {
  readonly zxid: Zxid
  /** undefined behind the last piece */
  next(): Promise<Uint8Array | undefined>
  close(): Promise<void>
}

export interface SnapshotReceiver {
  add(chunk: Uint8Array): Promise<void>
  /**
   * Checks the tree and makes it durable, and an empty log beside it.
   *
   * @throws SnapshotError if it is not the whole tree of that zxid
   */
  finish(zxid: Zxid): Promise<SnapshotPlace>
  /** `meta` names its place: it is in force. @returns the log behind it */
  install(): Promise<TxnLog>
  /** Nothing of it is left. Not after `install`. */
  discard(): Promise<void>
}

/** Directories, as in `meta`. */
export interface SnapshotPlace {
  readonly treeDir: string
  readonly logDir: string
}

/** What arrived is not the tree that was sent. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError'
}
