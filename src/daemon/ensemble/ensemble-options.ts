// What the ensemble's part of a server is made of: who it is, what its disk holds, and its world.
// server.ts gives it, driver.ts takes it.

import type { Address } from '../../address.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import type { ServerId } from '../../protocol/records.ts'
import type { Transport } from '../../protocol/transport/transport.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import type { Turn } from '../../turn.ts'
import type { Metrics } from '../metrics.ts'
import type { Snapshots } from '../storage/snapshots.ts'
import type { LogKept, TxnLog } from '../storage/txn-log.ts'
import type { EpochRange } from '../zab/history.ts'
import type { ZabEffect, ZabTiming } from '../zab/types.ts'
import type { Meta, MetaFile } from './meta.ts'

export interface EnsembleOptions {
  readonly self: ServerId
  /** Drawn at random when the process starts; see PeerHello. */
  readonly instance: number
  /** Every server of the ensemble by its peer address, this one included. */
  readonly servers: ReadonlyMap<ServerId, Address>
  /** where to listen for them; at our own address of `servers` if not given */
  readonly listen?: Address
  readonly meta: Meta
  readonly metaFile: MetaFile
  readonly txnLog: TxnLog
  /** what the log holds */
  readonly logged: readonly EpochRange[]
  /** what stays in the log, though the tree on the disk has it; all, if undefined */
  readonly logKept?: LogKept
  readonly snapshots: Snapshots
  /** what the tree has applied */
  readonly lastApplied: Zxid
  readonly timing: ZabTiming
  /** See `ZabOptions`. */
  readonly bootstrap?: boolean
  /** The counter from which a leader begins a new epoch, so that this one's never ends. */
  readonly handoverAt?: number
  /** used if this server leads the ensemble's first epoch */
  readonly newEnsembleId: string
  readonly transport: Transport
  readonly turn: Turn
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics?: Metrics | undefined
  /** Shown each effect before it is performed. */
  readonly witness?: ((effect: ZabEffect) => void) | undefined
  /** Going on could lose data: the process must end. */
  readonly onFailure: (error: Error) => void
}
