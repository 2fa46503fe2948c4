// The disk interface of the ensemble for sending the leader's tree to a learner. storage.ts
// implements it for trees in LevelDB; ensemble/snapshot-transfer.ts transfers the pieces.

import type { Zxid } from '../../protocol/zxid.ts'
import type { TxnLog } from './txn-log.ts'

/** The trees on this server's disk. */
export interface Snapshots {
  /** The current tree, unaffected by later changes; committed transactions only. */
  read(): Promise<SnapshotReader>
  /** A place for another tree beside the one in force. */
  receive(): Promise<SnapshotReceiver>
}

export interface SnapshotReader {
  readonly zxid: Zxid
  /** undefined after the last piece */
  next(): Promise<Uint8Array | undefined>
  close(): Promise<void>
}

export interface SnapshotReceiver {
  add(chunk: Uint8Array): Promise<void>
  /**
   * Checks the tree and makes it durable, with an empty log beside it.
   *
   * @throws SnapshotError if it is not the complete tree of that zxid
   */
  finish(zxid: Zxid): Promise<SnapshotPlace>
  /** `meta` names its place: it is now in force. @returns the log that follows it */
  install(): Promise<TxnLog>
  /** Removes everything. Not after `install`. */
  discard(): Promise<void>
}

/** Directory names, as in `meta`. */
export interface SnapshotPlace {
  readonly treeDir: string
  readonly logDir: string
}

/** The received tree is not the one that was sent. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError'
}
