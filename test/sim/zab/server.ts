// One simulated server: a machine with its disk and clock, and one process after the other on it.

import type { ZabRole, ZabTiming } from '../../../src/daemon/zab/types.ts'
import { Zab } from '../../../src/daemon/zab/zab.ts'
import type { Notification } from '../../../src/protocol/peer/messages.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import { type Zxid, zxidZero } from '../../../src/protocol/zxid.ts'
import { DriftingClock } from '../drifting-clock.ts'
import type { EventQueue } from '../event-queue.ts'
import { Standstill } from '../standstill.ts'
import type { ZabChecker } from './checker.ts'
import { changeIn, changesIn, electorateIn, stateIn } from './configurations.ts'
import { type DiskQueue, ZabDisk } from './disk.ts'
import type { Link } from './network.ts'
import { type LogRecord, rangesOf } from './records.ts'

export const timing: ZabTiming = {
  pingMs: 100,
  leaderTimeoutMs: 600,
  discoveryTimeoutMs: 1200,
  syncTimeoutMs: 2000,
  quietMs: 30,
  renotifyMs: 200,
  renotifyMaxMs: 2000,
}

export interface EnsembleOptions {
  readonly voters: readonly ServerId[]
  /** an epoch ends when its counter exceeds this */
  readonly epochCounterMax: number
  /** whether a majority may begin the ensemble; otherwise all voters must be present */
  readonly bootstrap: boolean
}

export class ZabServer {
  readonly id: ServerId
  /** an observer does not */
  readonly votes: boolean
  readonly disk: ZabDisk
  readonly clock: DriftingClock
  readonly standstill: Standstill
  running: Incarnation | undefined

  constructor(
    id: ServerId,
    votes: boolean,
    { events, checker }: { events: EventQueue; checker: ZabChecker },
  ) {
    this.id = id
    this.votes = votes
    this.disk = new ZabDisk(checker)
    this.clock = new DriftingClock(events)
    this.standstill = new Standstill(events)
  }

  get isPaused(): boolean {
    return this.standstill.isStill
  }

  get isLeading(): boolean {
    return this.leadsEpoch !== undefined
  }

  /** The epoch that it leads, once that is established. */
  get leadsEpoch(): number | undefined {
    const role = this.running?.role
    return role?.type === 'leading' && role.epoch > 0 ? role.epoch : undefined
  }

  /** A core that starts from the disk. */
  makeCore({ voters, epochCounterMax, bootstrap }: EnsembleOptions): Zab {
    const { id, disk, clock } = this
    return new Zab(
      {
        self: id,
        voters,
        configuration: stateIn(disk.log, disk.applied, voters),
        changes: changesIn(disk.log, disk.applied),
        text: `files of ${id}`,
        groupsIn: electorateIn,
        changeIn: (payload) => changeIn(Buffer.from(payload).toString('latin1')),
        epochs: disk.epochs,
        logBase: disk.base,
        logged: rangesOf(disk.log.filter((record) => record.zxid > disk.base)),
        lastApplied: disk.applied,
        timing,
        epochCounterMax,
        bootstrap,
        newEnsembleId: `ensemble-of-${id}`,
      },
      clock.nowMs(),
    )
  }
}

/** One run of a server's process, from start to crash. */
export class Incarnation {
  readonly server: ZabServer
  readonly zab: Zab
  readonly diskQueue: DiskQueue
  /** what a read of the log returns: all that was appended, synced or not */
  log: LogRecord[]
  /** the links that it considers open; a paused process learns late that a link is closed */
  readonly links = new Map<ServerId, Link>()
  role: ZabRole = { type: 'looking' }
  /** when it took its role, in its running time */
  roleSinceMs = 0
  delivered: Zxid
  /** by its own clock, when it last ran */
  ranMs: number
  /** running time by its own clock */
  awakeMs = 0
  /** when it last heard from each peer, in running time */
  readonly heardMs = new Map<ServerId, number>()
  /** it crashes after this many more effects and completions */
  effectsUntilCrash = Number.POSITIVE_INFINITY
  /** the vote that it last sent */
  word: Notification | undefined
  /** as it means to keep it */
  currentEpoch: number
  /** the epoch of the last NEWEPOCH it received */
  promised = 0
  /** it asked for a promise */
  isAsked = false
  /** the end of its log when NEWLEADER arrived */
  syncPoint: Zxid = zxidZero
  readonly questions: Question[] = []
  /** the tree that a leader sends: the leader, and the outcome */
  arriving: { readonly from: ServerId; records: readonly LogRecord[] } | undefined
  isInstalling = false
  /** between two epochs that it leads: the shell proposes nothing */
  isHandingOver = false
  /** it keeps its clients' requests back: a transfer of leadership is in progress */
  isHolding = false
  /** since when, in its running time */
  holdingSinceMs = 0
  /** it was told to lead, and has not begun to */
  takesOver = false
  /** the ensemble that it named to its peers */
  toldName: string | undefined
  /** peers that a stranger plays, or in whose name a message was forged: it may refuse them */
  readonly liars = new Set<ServerId>()
  readonly strangers = new Set<ServerId>()

  constructor(
    server: ZabServer,
    { zab, diskQueue }: { zab: Zab; diskQueue: (process: Incarnation) => DiskQueue },
  ) {
    const { disk, clock } = server
    this.server = server
    this.zab = zab
    this.log = [...disk.log]
    this.delivered = disk.applied
    this.ranMs = clock.nowMs()
    this.currentEpoch = disk.epochs.currentEpoch
    this.toldName = disk.epochs.ensembleId
    this.diskQueue = diskQueue(this)
  }

  get isAlive(): boolean {
    return this.server.running === this
  }

  /** Runs it for the process as soon as that is not paused. */
  enter(run: () => void): void {
    this.server.standstill.enter(run)
  }
}

/** The state of the ensemble when a leader was asked whether it still leads. */
interface Question {
  readonly token: number
  readonly establishedEpoch: number
  readonly committed: Zxid
  readonly lastZxid: Zxid
}
