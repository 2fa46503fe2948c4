// The parts of a server's ensemble driver: its identity, the contents of its disk, and its world.
// server.ts passes them to driver.ts.

import type { Address } from '../../address.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import type { PeerVersions } from '../../protocol/peer/hello.ts'
import type { ServerId } from '../../protocol/records.ts'
import type { Transport } from '../../protocol/transport/transport.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import type { Turn } from '../../turn.ts'
import type { Metrics } from '../metrics.ts'
import type { Snapshots } from '../storage/snapshots.ts'
import type { LogKept, TxnLog } from '../storage/txn-log.ts'
import type {
  Configuration,
  ConfigurationChange,
  ConfigurationState,
  GroupsIn,
} from '../zab/configuration.ts'
import type { EpochRange } from '../zab/history.ts'
import type { ZabEffect, ZabTiming } from '../zab/types.ts'
import type { Meta, MetaFile } from './meta.ts'
import type { PeerSecret } from './peer-proof.ts'

export interface ChangingEnsemble {
  /** what the tree shows; undefined as long as the configuration of the files is in force */
  readonly shown: () => ConfigurationState | undefined
  /** The first configuration that is agreed on, or was when this server starts: clients see it. */
  readonly agreed: (configuration: Configuration) => void
  /**
   * A configuration is committed and active: another one, or the last one when this server starts;
   * the first one, in each epoch.
   */
  readonly committed: (configuration: Configuration) => void
  /** what a transaction does to the configuration */
  readonly changeIn: (payload: Uint8Array) => ConfigurationChange | undefined
  /** the addresses of the servers in a configuration's text, by ascending id */
  readonly serversIn: (text: string) => readonly PeerServer[]
}

export interface PeerServer {
  readonly id: ServerId
  /** at least one */
  readonly addresses: readonly Address[]
  /** it does not vote */
  readonly observes: boolean
}

export interface EnsembleOptions {
  readonly self: ServerId
  /** Drawn at random when the process starts; see PeerHello. */
  readonly instance: number
  /** of this program, such as `0.3.0` */
  readonly release: string
  /** versions of the peer protocol; by default, those of this release */
  readonly peerVersions?: PeerVersions | undefined
  /** The peer addresses of every server of the ensemble, this one included. */
  readonly servers: ReadonlyMap<ServerId, readonly Address[]>
  /** those of them that do not vote */
  readonly observers?: ReadonlySet<ServerId>
  /** the lines of the files that name them; by default none, and so no groups */
  readonly text?: string
  readonly groupsIn?: GroupsIn
  /** how the voters of the files are divided, which has to be the same on all servers */
  readonly groups?: string | undefined
  /** undefined: the ensemble does not change while it runs */
  readonly changing?: ChangingEnsemble | undefined
  /** what other servers have to know; undefined: they are taken on their word */
  readonly secret?: PeerSecret | undefined
  /** where to listen for peers; by default, our own addresses in `servers` */
  readonly listen?: readonly Address[]
  readonly meta: Meta
  readonly metaFile: MetaFile
  readonly txnLog: TxnLog
  /** the epochs in the log */
  readonly logged: readonly EpochRange[]
  /** how much stays in the log although the tree on the disk covers it; everything, if undefined */
  readonly logKept?: LogKept
  readonly snapshots: Snapshots
  /** the last zxid that the tree has applied */
  readonly lastApplied: Zxid
  readonly timing: ZabTiming
  /** See `ZabOptions`. */
  readonly bootstrap?: boolean
  /** The counter at which a leader begins a new epoch, before this one's counter ends. */
  readonly handoverAt?: number
  /** used if this server leads the ensemble's first epoch */
  readonly newEnsembleId: string
  readonly transport: Transport
  /** See `LinkOpenerOptions`. */
  readonly verifiesDiallerHost?: boolean | undefined
  readonly turn: Turn
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics?: Metrics | undefined
  /** Called with each effect before it is performed. */
  readonly witness?: ((effect: ZabEffect) => void) | undefined
  /** Continuing could lose data: the process must end. */
  readonly onFailure: (error: Error) => void
}
