// A whole ensemble of Zab cores in one process: one seed decides delays, faults and their times.
//
// The network keeps FIFO within a connection and loses what was in flight when it breaks; each end
// learns of that in its own time, and a blocked direction holds back what is sent until it is opened
// or the connection breaks. The disk keeps only what was synced, in the order it was asked for. A
// server may crash between any two effects, and stand still as if stopped by a signal; an election
// may be decided for whomever the seed likes, since safety must not rest on elections. The
// properties of Zab are checked as it runs.

import type { EpochRange } from '../../src/daemon/zab/history.ts'
import type { Epochs, ZabEffect, ZabInput, ZabRole, ZabTiming } from '../../src/daemon/zab/types.ts'
import { Zab } from '../../src/daemon/zab/zab.ts'
import { invariant } from '../../src/invariant.ts'
import { type Entries, lastOf } from '../../src/protocol/peer/entries.ts'
import type { Notification, ZabMessage } from '../../src/protocol/peer/messages.ts'
import type { ServerId } from '../../src/protocol/records.ts'
import { counterOf, epochOf, makeZxid, type Zxid, zxidZero } from '../../src/protocol/zxid.ts'
import { Random } from '../../src/random.ts'
import { EventQueue } from './event-queue.ts'
import { ZabChecker } from './zab-checker.ts'

export interface LogRecord {
  readonly zxid: Zxid
  readonly payload: string
}

export interface WorldOptions {
  readonly seed: number
  readonly servers: number
  /** [least, most] ms for a message; for a disk operation */
  readonly networkMs: readonly [number, number]
  readonly diskMs: readonly [number, number]
  /** for a tree on its way, pings beside it */
  readonly treeMs?: readonly [number, number]
  /** an epoch ends when its counter is above this */
  readonly epochCounterMax?: number
  /** how long an end may go on believing in a link that the other has closed; if ever */
  readonly halfOpenMs?: number
  /** whether a majority may begin the ensemble; otherwise all must be there */
  readonly bootstrap?: boolean
  readonly trace?: (line: string) => void
  /** whether the trace tells of links, too */
  readonly traceLinks?: boolean
}

/** Where a server may crash: around each effect, each message and each completion. */
export const crashPoints = [
  'before NOTIFICATION',
  'before CEPOCH',
  'before saveEpochs',
  'after saveEpochs',
  'before NEWEPOCH',
  'before ACKEPOCH',
  'before DIFF',
  'before TRUNC',
  'before truncate',
  'after truncate',
  'before SNAP',
  'before sendSnapshot',
  'before receiveSnapshot',
  'after a tree came',
  'before installSnapshot',
  'after installSnapshot',
  'before ACKSNAP',
  'before sendHistory',
  'before PROPOSAL',
  'before append',
  'after append',
  'before NEWLEADER',
  'before ACKNEWLEADER',
  'before UPTODATE',
  'before ACK',
  'before COMMIT',
  'before deliver',
  'before confirmed',
  'before PING',
  'before PONG',
  'before role',
  'before disconnect',
] as const

type CrashPoint = (typeof crashPoints)[number]

const timing: ZabTiming = {
  pingMs: 100,
  leaderTimeoutMs: 600,
  discoveryTimeoutMs: 1200,
  syncTimeoutMs: 2000,
  quietMs: 30,
  renotifyMs: 200,
  renotifyMaxMs: 2000,
}

/** What no ensemble here comes to. */
const farEpoch = 2_000_000

type NewEpoch = Extract<ZabMessage, { type: 'NEWEPOCH' }>

type DiskOperation =
  | { readonly type: 'append'; readonly entries: Entries }
  | { readonly type: 'truncate'; readonly to: Zxid }

interface Disk {
  epochs: Epochs
  /** what tree and log hold together: up to `base` the tree alone has it */
  log: LogRecord[]
  base: Zxid
  /** the tree's write-behind store: some prefix of what was delivered */
  applied: Zxid
}

const newDisk: Disk = {
  epochs: { acceptedEpoch: 0, currentEpoch: 0, initialised: false, ensembleId: undefined },
  log: [],
  base: zxidZero,
  applied: zxidZero,
}

/** One run of a server's process, from start to crash. */
interface Incarnation {
  readonly zab: Zab
  /** what a read of the log gives: what was appended, synced or not */
  log: LogRecord[]
  readonly diskQueue: DiskOperation[]
  diskBusy: boolean
  readonly epochsQueue: Epochs[]
  /** the links that it believes in; one that stands still learns late that a link is closed */
  readonly links: Map<ServerId, Link>
  role: ZabRole
  /** when it took that role, in time that it ran */
  roleSinceMs: number
  delivered: Zxid
  /** by its own clock, when it was last seen to run */
  ranMs: number
  /** time that passed by its own clock while it ran */
  awakeMs: number
  /** when it last heard of each peer, in that time */
  readonly heardMs: Map<ServerId, number>
  /** crashes before this many more effects and completions; see `crashSoon` */
  effectsUntilCrash: number
  /** what it last told others of itself */
  word: Notification | undefined
  /** as it means to keep it */
  currentEpoch: number
  /** the epoch of the NEWEPOCH it got last */
  promised: number
  /** the end of its log when NEWLEADER came */
  syncPoint: Zxid
  readonly questions: Question[]
  /** the tree that a leader sends: whose, and what came of it */
  arriving: { readonly from: ServerId; records: readonly LogRecord[] } | undefined
  installing: boolean
  /** between two epochs that it leads: the shell proposes nothing */
  handingOver: boolean
  /** the ensemble that it told its peers it belongs to */
  toldName: string | undefined
  /** peers that a stranger plays, or in whose name a message was forged: it may refuse them */
  readonly liars: Set<ServerId>
  readonly strangers: Set<ServerId>
}

/** What was true of the ensemble when a leader was asked whether it still leads. */
interface Question {
  readonly token: number
  readonly establishedEpoch: number
  readonly committed: Zxid
  readonly lastZxid: Zxid
}

interface Server {
  readonly id: ServerId
  readonly disk: Disk
  /** its current epoch when it last lost its disk */
  lostEpoch: number
  /** its clock shows `baseMs` at `sinceMs` of the world, and runs so much faster or slower */
  clock: { readonly baseMs: number; readonly sinceMs: number; readonly rate: number }
  running: Incarnation | undefined
  pausedUntilMs: number
  /** what fell due while it stood still */
  deferred: (() => void)[]
  /** the disk takes until then for what it was asked */
  logStalledUntilMs: number
  epochsStalledUntilMs: number
}

interface Link {
  readonly ends: readonly [ServerId, ServerId]
  /** the processes it joins: one that is started later has nothing to do with it */
  readonly processes: readonly [Incarnation, Incarnation]
  /** whether each end has it open */
  readonly open: [boolean, boolean]
  /** when the last message each end sent arrives: FIFO */
  readonly busyUntilMs: [number, number]
  /** sent by each end into a blocked direction: messages, and the news of its closing */
  readonly held: [(() => void)[], (() => void)[]]
}

export class ZabWorld {
  readonly random: Random
  readonly servers: Server[]
  readonly checker = new ZabChecker()
  /** How often each thing worth covering happened. */
  readonly coverage = new Map<string, number>()
  readonly #options: WorldOptions
  readonly #events = new EventQueue()
  readonly #links = new Map<string, Link>()
  readonly #cut = new Set<string>()
  /** directions `from>to` that nothing gets through at the moment */
  readonly #blocked = new Set<string>()
  #crashPoint: CrashPoint | undefined
  #proposals = 0
  #token = 0
  #forgedEpoch = 1_000_000
  #misannounced: 'behind' | 'far' | undefined
  readonly #epochCounterMax: number

  constructor(options: WorldOptions) {
    this.#options = options
    this.#epochCounterMax = options.epochCounterMax ?? 2 ** 31
    this.random = new Random(options.seed)
    this.servers = Array.from({ length: options.servers }, (_, i) => ({
      id: (i + 1) as ServerId,
      disk: { ...newDisk, log: [] },
      lostEpoch: 0,
      clock: { baseMs: 0, sinceMs: 0, rate: 1 },
      running: undefined,
      pausedUntilMs: 0,
      deferred: [],
      logStalledUntilMs: 0,
      epochsStalledUntilMs: 0,
    }))
  }

  get nowMs(): number {
    return this.#events.nowMs
  }

  get eventCount(): number {
    return this.#events.eventCount
  }

  // --- what a script or the nemesis does ---------------------------------------------------------

  start(id: number): void {
    const server = this.#server(id)
    if (server.running !== undefined) return
    const { disk } = server
    const logged = rangesOf(disk.log.filter((record) => record.zxid > disk.base))
    this.#trace(
      `${id} starts: accepted ${disk.epochs.acceptedEpoch}, current ${disk.epochs.currentEpoch}, log ${hex(disk.log.at(-1)?.zxid ?? zxidZero)}`,
    )
    const zab = new Zab(
      {
        self: server.id,
        voters: this.servers.map((other) => other.id),
        epochs: disk.epochs,
        logBase: disk.base,
        logged,
        lastApplied: disk.applied,
        timing,
        epochCounterMax: this.#epochCounterMax,
        bootstrap: this.#options.bootstrap ?? false,
        newEnsembleId: `ensemble-of-${id}`,
      },
      this.#clockOf(server),
    )
    const running: Incarnation = {
      zab,
      log: [...disk.log],
      diskQueue: [],
      diskBusy: false,
      epochsQueue: [],
      links: new Map(),
      role: { type: 'looking' },
      roleSinceMs: 0,
      delivered: disk.applied,
      ranMs: this.#clockOf(server),
      awakeMs: 0,
      heardMs: new Map(),
      effectsUntilCrash: Number.POSITIVE_INFINITY,
      word: undefined,
      currentEpoch: disk.epochs.currentEpoch,
      promised: 0,
      syncPoint: zxidZero,
      questions: [],
      arriving: undefined,
      installing: false,
      handingOver: false,
      toldName: disk.epochs.ensembleId,
      liars: new Set(),
      strangers: new Set(),
    }
    server.running = running
    server.pausedUntilMs = 0
    server.logStalledUntilMs = 0
    server.epochsStalledUntilMs = 0
    this.#perform(server, running, zab.start())
    this.#tickLater(server, running)
    for (const other of this.servers) if (other !== server) this.#dialLater(server.id, other.id)
  }

  /** kill -9 and power loss at once: what was not synced is gone. */
  crash(id: number): void {
    const server = this.#server(id)
    const { running } = server
    if (running === undefined) return
    this.#trace(`${id} crashes`)
    // A write under way may have reached the disk, or its beginning; one queued behind it has not.
    if (running.diskBusy) this.#tearDisk(server, running)
    if (running.epochsQueue.length > 0 && this.random.chance(0.5)) {
      this.#saveEpochs(server, running.epochsQueue[0] as Epochs)
    }
    if (running.installing && this.random.chance(0.5)) this.#switchTree(server, running)
    server.running = undefined
    server.deferred = []
    // Write-behind reached some point of what was delivered.
    const { log } = server.disk
    const reached = log.filter(
      (record) => record.zxid > server.disk.applied && record.zxid <= running.delivered,
    )
    const kept = reached[this.random.below(reached.length + 1)]
    if (kept !== undefined) server.disk.applied = kept.zxid
    for (const other of this.servers) {
      const link = this.#links.get(pairKey(server.id, other.id))
      if (link === undefined) continue
      const unheard = this.#blocked.has(`${server.id}>${other.id}`)
      if (unheard) this.#closeEnd(link, sideOf(link, server.id))
      else this.#breakLink(server.id, other.id)
    }
  }

  /**
   * A crash that takes the disk with it; only if the others can still go on, and have among any
   * majority of them all that was committed, and know the newest epoch. `anyhow`, those that are left may have to wait for ever,
   * but they must not go on without what was committed.
   */
  wipe(id: number, { anyhow = false } = {}): void {
    const server = this.#server(id)
    const committed = this.checker.lastZxid
    const majority = Math.floor(this.servers.length / 2) + 1
    const others = this.servers.filter((other) => other !== server && other.disk.epochs.initialised)
    const behind = others.filter(
      ({ disk }) =>
        lastZxidOf(disk.log) < committed || disk.epochs.acceptedEpoch < this.checker.chosenEpoch,
    )
    if (!anyhow && (others.length < majority || behind.length >= majority)) return
    if (others.length === behind.length) return
    // What it alone makes a majority of may be committed by its ack already.
    if (lastZxidOf(server.disk.log) > committed) return
    this.crash(id)
    this.#trace(`${id} loses its disk`)
    this.#cover('wipe')
    server.lostEpoch = server.disk.epochs.currentEpoch
    Object.assign(server.disk, { ...newDisk, log: [] })
  }

  /** The tree is written up to a transaction, the last one delivered or any; the log begins behind it. */
  purge(id: number, to: 'last' | 'any' = 'any'): void {
    const server = this.#server(id)
    const { running, disk } = server
    if (running === undefined || running.installing || !running.zab.mayPurge) return
    const reached = disk.log.filter(({ zxid }) => zxid > disk.base && zxid <= running.delivered)
    const upTo = to === 'last' ? reached.at(-1) : reached[this.random.below(reached.length + 1)]
    if (upTo === undefined) return
    const base = upTo.zxid
    this.#trace(`${id} purges its log up to ${hex(base)}`)
    this.#cover('purge')
    if (base > disk.applied) disk.applied = base
    disk.base = base
    this.#step(server, running, { type: 'purged', base })
  }

  /** Breaks the connection; it is dialled again. */
  drop(a: number, b: number): void {
    this.#breakLink(a as ServerId, b as ServerId)
  }

  /** Nothing passes between the two until `heal`. */
  cut(a: number, b: number): void {
    this.#trace(`${a} and ${b} are cut off from each other`)
    this.#cut.add(pairKey(a, b))
    this.#breakLink(a as ServerId, b as ServerId)
  }

  heal(a: number, b: number): void {
    if (!this.#cut.delete(pairKey(a, b))) return
    this.#trace(`${a} and ${b} reach each other again`)
    this.#dialLater(a as ServerId, b as ServerId)
  }

  healAll(): void {
    for (const a of this.servers) {
      for (const b of this.servers) {
        this.heal(a.id, b.id)
        this.unblock(a.id, b.id)
      }
    }
  }

  /** What `from` sends arrives no more at `to`, which hears only silence; not even that it closes. */
  block(from: number, to: number): void {
    if (from === to || this.#blocked.has(`${from}>${to}`)) return
    this.#trace(`nothing gets from ${from} to ${to}`)
    this.#blocked.add(`${from}>${to}`)
  }

  /** What was held back arrives late. */
  unblock(from: number, to: number): void {
    if (!this.#blocked.delete(`${from}>${to}`)) return
    this.#trace(`${from} gets through to ${to} again`)
    const link = this.#links.get(pairKey(from, to))
    if (link !== undefined) {
      const side = sideOf(link, from)
      for (const arrive of link.held[side].splice(0)) this.#arrive(link, side, arrive)
    }
    this.#dialLater(from as ServerId, to as ServerId)
  }

  /** As `block`, for a while. */
  stall(from: number, to: number, durationMs: number): void {
    this.block(from, to)
    this.#events.after(durationMs, () => this.unblock(from, to))
  }

  /** Nothing passes to or from a server for a while, and nobody is told. */
  isolate(id: number, durationMs: number): void {
    for (const other of this.servers) {
      this.stall(id, other.id, durationMs)
      this.stall(other.id, id, durationMs)
    }
  }

  /** The process stands still; its disk and its network do not. */
  pause(id: number, durationMs: number): void {
    const server = this.#server(id)
    if (server.running === undefined || server.pausedUntilMs > this.nowMs) return
    this.#trace(`${id} stands still for ${Math.round(durationMs)} ms`)
    this.#cover('pause')
    server.pausedUntilMs = this.nowMs + durationMs
    this.#events.after(durationMs, () => this.#resume(server))
  }

  resumeAll(): void {
    for (const server of this.servers) {
      if (server.pausedUntilMs <= this.nowMs) continue
      server.pausedUntilMs = this.nowMs
      this.#resume(server)
    }
  }

  /** From now on its clock runs at `rate`; safety must not rest on clocks. */
  drift(id: number, rate: number): void {
    const server = this.#server(id)
    if (rate !== server.clock.rate) this.#trace(`the clock of ${id} runs at ${rate.toFixed(2)}`)
    server.clock = { baseMs: this.#clockOf(server), sinceMs: this.nowMs, rate }
  }

  /** Crashes before one of the next effects or completions: between any two steps. */
  crashSoon(id: number, effects: number): void {
    const { running } = this.#server(id)
    if (running !== undefined) running.effectsUntilCrash = effects
  }

  /** Whoever gets there next crashes; nobody does if there is no point. */
  crashAt(point: CrashPoint | undefined): void {
    this.#crashPoint = point
  }

  /** What the log, or the epochs, are asked to write takes at least this long. */
  stallDisk(id: number, what: 'log' | 'epochs', durationMs: number): void {
    const server = this.#server(id)
    this.#trace(`the ${what} of ${id} stall for ${Math.round(durationMs)} ms`)
    if (what === 'log') server.logStalledUntilMs = this.nowMs + durationMs
    else server.epochsStalledUntilMs = this.nowMs + durationMs
  }

  /**
   * Decides an election: a looking server is told of votes for `leader` that nobody cast; told to
   * everybody, they decide for all, otherwise the server believes that `leader` leads already.
   */
  elect(id: number, leader: number, { everybody }: { readonly everybody: boolean }): void {
    const server = this.#server(id)
    const { running } = server
    const word = running?.word
    if (running === undefined || running.role.type !== 'looking' || word === undefined) return
    this.#trace(`${id} is made to elect ${leader}`)
    this.#cover(everybody ? 'forged election' : 'forged leader')
    const epoch = ++this.#forgedEpoch
    const vote = { epoch, zxid: word.vote.zxid, id: leader as ServerId }
    for (const { id: from } of this.servers) {
      const lies = from === leader ? ('leading' as const) : ('following' as const)
      const message = everybody
        ? { ...word, vote }
        : { ...word, vote, role: lies, establishedEpoch: epoch, initialised: true }
      if (from !== id) this.#step(server, running, { type: 'received', from, message })
    }
  }

  /**
   * A stranger says to a server that it is another one, which is down. It knows everything but the
   * ensemble, and none of its lies counts.
   */
  stranger(id: number, as: number): void {
    const server = this.#server(id)
    const { running } = server
    const peer = as as ServerId
    if (running === undefined || running.zab.ensembleId === undefined) return
    if (server.pausedUntilMs > this.nowMs || running.links.has(peer)) return
    if (id === as || this.#server(as).running !== undefined) return
    this.#trace(`a stranger comes to ${id} as ${as}`)
    this.#cover('stranger')
    running.liars.add(peer)
    running.strangers.add(peer)
    this.#step(server, running, { type: 'connected', peer, isMember: false })
    for (let i = 1 + this.random.below(4); i > 0; i--) {
      const message = this.#lie(running, peer)
      if (running.strangers.has(peer))
        this.#step(server, running, { type: 'received', from: peer, message })
    }
    this.#events.after(this.random.next() * 500, () => {
      this.#forServer(server, this.nowMs, () => this.#strangerLeaves(server, running, peer))
    })
  }

  #lie({ word }: Incarnation, as: ServerId): ZabMessage {
    const initialised = true
    const vote = { epoch: farEpoch, zxid: makeZxid({ epoch: farEpoch, counter: 1 }), id: as }
    const round = this.random.chance(0.5) ? 2 ** 50 : (word?.round ?? 0)
    return this.random.pick<ZabMessage>([
      { type: 'NOTIFICATION', vote, round, role: 'looking', establishedEpoch: 0, initialised },
      {
        type: 'NOTIFICATION',
        vote,
        round,
        role: 'leading',
        establishedEpoch: farEpoch,
        initialised,
      },
      { type: 'CEPOCH', acceptedEpoch: farEpoch, currentEpoch: farEpoch, initialised },
      { type: 'ACKEPOCH', currentEpoch: farEpoch, lastZxid: vote.zxid, counts: true },
      { type: 'NEWEPOCH', epoch: farEpoch, founds: undefined },
      { type: 'TRUNC', to: zxidZero },
    ])
  }

  #strangerLeaves(server: Server, running: Incarnation, peer: ServerId): void {
    if (!running.strangers.delete(peer)) return
    this.#step(server, running, { type: 'disconnected', peer })
  }

  /**
   * The next NEWEPOCH to a server that counts names another epoch: the one before its own last
   * promise, or one far away. No leader of ours does that; the server must not rely on it.
   */
  misannounce(as: 'behind' | 'far'): void {
    this.#misannounced = as
  }

  /** Asks every leader whether it still leads. */
  confirm(): void {
    for (const server of this.servers) {
      const { running } = server
      if (running === undefined || !isLeading(server) || server.pausedUntilMs > this.nowMs) continue
      const token = ++this.#token
      running.questions.push({
        token,
        establishedEpoch: this.checker.establishedEpoch,
        committed: this.checker.lastZxid,
        lastZxid: running.zab.lastZxid,
      })
      this.#step(server, running, { type: 'confirm', token })
    }
  }

  /** Asks every leader to begin its next epoch. */
  handover(): void {
    for (const server of this.servers) {
      const { running } = server
      if (running === undefined || !isLeading(server) || server.pausedUntilMs > this.nowMs) continue
      const { acceptedEpoch } = running.zab.epochs
      this.#step(server, running, { type: 'handover' })
      if (running.zab.epochs.acceptedEpoch === acceptedEpoch) continue
      running.handingOver = true
      this.#cover('handover')
    }
  }

  /** As `propose`, with payloads that are unique by themselves. */
  proposeSome(count: number): boolean {
    return this.propose(Array.from({ length: count }, () => `p${++this.#proposals}`))
  }

  /** @returns whether there was a leader to propose at */
  propose(payloads: readonly string[], at?: number): boolean {
    const leaders = this.servers.filter(
      (server) =>
        isLeading(server) &&
        server.running?.handingOver === false &&
        server.pausedUntilMs <= this.nowMs &&
        (at === undefined || server.id === at),
    )
    const server = leaders.length === 0 ? undefined : this.random.pick(leaders)
    const running = server?.running
    if (server === undefined || running === undefined || running.role.type !== 'leading')
      return false
    const last = running.zab.lastZxid
    const epoch = running.role.epoch
    const first = epochOf(last) === epoch ? counterOf(last) + 1 : 1
    const entries = entriesOf(makeZxid({ epoch, counter: first }), payloads)
    for (const record of recordsOf(entries)) this.checker.proposed(record, running.delivered)
    this.#step(server, running, { type: 'proposed', entries })
    return true
  }

  /** Whether so many servers have a history that they may go on, or none has, so that they may begin. */
  get mayGoOn(): boolean {
    const epochs = this.servers.map(({ disk }) => disk.epochs)
    const initialised = epochs.filter((each) => each.initialised).length
    return (
      initialised > this.servers.length / 2 ||
      epochs.every(({ currentEpoch }) => currentEpoch === 0)
    )
  }

  isLooking(id: number): boolean {
    return this.#server(id).running?.role.type === 'looking'
  }

  leader(): number | undefined {
    return this.servers.find(isLeading)?.id
  }

  /** Runs everything that is due within `durationMs`. */
  run(durationMs: number): void {
    this.#events.run(durationMs)
  }

  /** Whether one leader is followed by all, and all have delivered the same. */
  converged(): boolean {
    const leader = this.servers.find(isLeading)
    if (leader?.running?.role.type !== 'leading' || leader.running.handingOver) return false
    const { epoch } = leader.running.role
    return this.servers.every((server) => {
      const { running } = server
      if (running === undefined || server.pausedUntilMs > this.nowMs) return false
      if (running.delivered !== leader.running?.zab.lastZxid) return false
      const { role } = running
      return role.type !== 'looking' && role.epoch === epoch
    })
  }

  // --- the shell around one core -----------------------------------------------------------------

  #step(server: Server, running: Incarnation, input: ZabInput): void {
    if (server.running !== running) return
    const nowMs = this.#clockOf(server)
    if (input.type === 'connected') this.#traceLink(`${server.id} has a link to ${input.peer}`)
    if (input.type === 'disconnected') {
      this.#traceLink(`${server.id} has no link to ${input.peer} any more`)
      this.#abortArrival(running, input.peer)
    }
    running.awakeMs += Math.min(nowMs - running.ranMs, timing.pingMs)
    running.ranMs = nowMs
    if (input.type === 'received') running.heardMs.set(input.from, running.awakeMs)
    this.#perform(server, running, running.zab.step(nowMs, input))
    if (input.type === 'epochsSaved') this.#tellName(running)
    if (input.type !== 'tick' || server.running !== running) return
    this.#checkHeard(running)
    const { role } = running
    if (role.type === 'leading' && role.epoch > 0 && !running.handingOver) {
      const bound = makeZxid({ epoch: role.epoch, counter: this.#epochCounterMax })
      invariant(running.zab.lastZxid <= bound, 'an epoch ends before its counter does')
    }
  }

  /** As the shell's links do: those that it belongs to hear of it when it has learned to which. */
  #tellName(running: Incarnation): void {
    const { ensembleId } = running.zab.epochs
    if (ensembleId === undefined || ensembleId === running.toldName) return
    running.toldName = ensembleId
    for (const [peer, link] of running.links) {
      const self = link.ends[0] === peer ? link.ends[1] : link.ends[0]
      this.#overLink(running, peer, (receiver, incarnation) => {
        if (incarnation.zab.epochs.ensembleId !== ensembleId) return
        this.#step(receiver, incarnation, { type: 'member', peer: self })
      })
    }
  }

  /**
   * A leader without a quorum, or a follower without its leader, has given up after as long as it may
   * take to be brought up to date. Silence counts while the server runs: what waits for one that stood
   * still was never late.
   */
  #checkHeard({ awakeMs, heardMs, role, roleSinceMs }: Incarnation): void {
    const allowedMs = timing.discoveryTimeoutMs + timing.syncTimeoutMs + 2 * timing.pingMs
    const isHeard = (atMs: number): boolean => awakeMs - atMs <= allowedMs
    if (role.type === 'leading' && role.epoch > 0) {
      const heard = [...heardMs.values()].filter(isHeard).length
      invariant(heard + 1 > this.servers.length / 2, 'a leader that hears of no quorum steps down')
    }
    if (role.type === 'following') {
      const heard = isHeard(Math.max(roleSinceMs, heardMs.get(role.leader) ?? 0))
      invariant(heard, 'a follower that hears nothing of its leader leaves it')
    }
  }

  #clockOf({ clock }: Server): number {
    return clock.baseMs + (this.nowMs - clock.sinceMs) * clock.rate
  }

  #perform(server: Server, running: Incarnation, effects: readonly ZabEffect[]): void {
    for (const effect of effects) {
      const point = effect.type === 'send' ? effect.message.type : effect.type
      if (this.#crashesHere(server, running, `before ${point}`)) return
      this.#performOne(server, running, effect)
    }
  }

  /** @returns whether the server is gone */
  #crashesHere(server: Server, running: Incarnation, point: string): boolean {
    if (server.running !== running) return true
    const there = point === this.#crashPoint
    if (--running.effectsUntilCrash >= 0 && !there) return false
    if (there) this.#crashPoint = undefined
    this.#cover(`crash ${point}`)
    this.#trace(`${server.id} is to crash ${point}`)
    this.crash(server.id)
    return true
  }

  #performOne(server: Server, running: Incarnation, effect: ZabEffect): void {
    const { checker } = this
    switch (effect.type) {
      case 'send':
        this.#checkHonest(server, running, effect.message)
        this.#cover(effect.message.type)
        if (effect.message.type === 'NOTIFICATION') running.word = effect.message
        return this.#send(running, server.id, effect.to, effect.message)
      case 'sendHistory': {
        const records = running.log.filter(
          (record) => record.zxid > effect.after && record.zxid <= effect.upTo,
        )
        invariant(effect.after >= server.disk.base, 'what is purged is not sent')
        for (const entries of batchesOf(records)) {
          this.#send(running, server.id, effect.to, { type: 'PROPOSAL', entries })
        }
        return
      }
      case 'sendSnapshot':
        return this.#sendTree(server, running, effect.to)
      case 'receiveSnapshot':
        running.arriving = { from: effect.from, records: [] }
        return
      case 'installSnapshot':
        return this.#install(server, running, effect.zxid)
      case 'append':
        running.log.push(...recordsOf(effect.entries))
        running.diskQueue.push(effect)
        return this.#diskLater(server, running)
      case 'truncate':
        running.log = running.log.filter((record) => record.zxid <= effect.to)
        running.diskQueue.push(effect)
        return this.#diskLater(server, running)
      case 'saveEpochs':
        if (effect.epochs.currentEpoch > running.currentEpoch) {
          const last = lastZxidOf(server.disk.log)
          if (running.role.type === 'leading') checker.chosen(server.id, effect.epochs.currentEpoch)
          else invariant(last >= running.syncPoint, 'an epoch is saved behind its history')
        }
        invariant(
          effect.epochs.acceptedEpoch < farEpoch / 2,
          'a claim far beyond what servers know moves no epoch',
        )
        running.currentEpoch = effect.epochs.currentEpoch
        running.epochsQueue.push(effect.epochs)
        if (running.epochsQueue.length === 1) this.#saveEpochsLater(server, running)
        return
      case 'deliver':
        for (const record of running.log) {
          if (record.zxid <= running.delivered || record.zxid > effect.upTo) continue
          const { delivered: before } = running
          checker.delivered(record, { before, own: server.disk.log, disks: this.#disks() })
          running.delivered = record.zxid
        }
        invariant(running.delivered === effect.upTo, 'what is delivered is in the log')
        return this.#trace(`${server.id} delivers up to ${hex(effect.upTo)}`)
      case 'disconnect':
        this.#abortArrival(running, effect.peer)
        this.#traceLink(`${server.id} closes its link to ${effect.peer}: ${effect.reason}`)
        if (running.strangers.delete(effect.peer)) return
        if (!running.liars.delete(effect.peer))
          invariant(!effect.violation, `no peer breaks the protocol: ${effect.reason}`)
        return this.#close(server, running, effect.peer)
      case 'role':
        running.role = effect.role
        running.roleSinceMs = running.awakeMs
        running.handingOver = false
        running.questions.length = 0
        this.#trace(`${server.id} is ${describeRole(effect.role)}`)
        if (effect.role.type !== 'looking') {
          const { currentEpoch } = server.disk.epochs
          invariant(currentEpoch >= effect.role.epoch, 'who serves has the epoch on its disk')
        }
        if (effect.role.type === 'leading' && effect.role.epoch > 0) {
          checker.established(server.id, effect.role.epoch, {
            history: running.log,
            current: this.servers.map(({ disk, lostEpoch }) =>
              Math.max(disk.epochs.currentEpoch, lostEpoch),
            ),
          })
        }
        return
      case 'confirmed':
        this.#cover('leadership confirmed')
        for (const question of running.questions) {
          if (question.token <= effect.token) checker.confirmed(running.role, question)
        }
        return
      case 'fatal':
        invariant(false, `no server has to give up: ${effect.reason}`)
    }
  }

  /** What a message promises lies on the sender's disk when it leaves (I11). */
  #checkHonest({ disk }: Server, running: Incarnation, message: ZabMessage): void {
    const last = disk.log.at(-1)?.zxid ?? zxidZero
    switch (message.type) {
      case 'NEWEPOCH':
        invariant(
          disk.epochs.acceptedEpoch >= message.epoch,
          'NEWEPOCH leaves after the own promise',
        )
        return
      case 'ACKEPOCH':
        invariant(
          disk.epochs.acceptedEpoch >= running.promised,
          'ACKEPOCH leaves when the promise is on the disk',
        )
        invariant(
          disk.epochs.acceptedEpoch <= running.promised,
          'who promised itself to a later epoch joins no earlier one',
        )
        return
      case 'ACKNEWLEADER':
        invariant(last >= running.syncPoint, 'ACKNEWLEADER leaves when the history is on the disk')
        invariant(
          disk.epochs.currentEpoch >= message.epoch,
          'ACKNEWLEADER leaves when the epoch is on the disk',
        )
        return
      case 'ACKSNAP':
        invariant(disk.base === message.lastZxid, 'ACKSNAP leaves when the tree is in force')
        return
      case 'ACK':
        invariant(last >= message.zxid, 'ACK leaves when the transaction is on the disk')
        return
      case 'COMMIT':
      case 'UPTODATE':
        this.checker.announced(
          message.type === 'COMMIT' ? message.zxid : message.committed,
          running.log,
          this.#disks(),
        )
        return
    }
  }

  // --- a tree on its way -------------------------------------------------------------------------

  /** As written: the shell brings the disk up to what was delivered, and reads it back. */
  #sendTree(server: Server, running: Incarnation, to: ServerId): void {
    const { id, disk } = server
    const records = running.log.filter(({ zxid }) => zxid <= running.delivered)
    if (running.delivered > disk.applied) disk.applied = running.delivered
    const link = running.links.get(to)
    this.#forServer(server, this.nowMs + this.#within(this.#options.treeMs ?? [0, 0]), () => {
      if (server.running !== running || running.links.get(to) !== link) return
      this.#overLink(running, to, (receiver, incarnation) => {
        const { arriving } = incarnation
        if (arriving?.from !== id) return
        this.#trace(`${id} -> ${to} the tree of ${hex(lastZxidOf(records))}`)
        arriving.records = records
        this.#forServer(receiver, this.nowMs + this.#within(this.#options.diskMs), () => {
          if (this.#crashesHere(receiver, incarnation, 'after a tree came')) return
          if (incarnation.arriving !== arriving) return
          const input = { type: 'snapshotReceived', zxid: lastZxidOf(records) } as const
          this.#step(receiver, incarnation, input)
          if (!incarnation.installing) incarnation.arriving = undefined
        })
      })
    })
  }

  #abortArrival(running: Incarnation, peer: ServerId): void {
    if (running.arriving?.from === peer && !running.installing) running.arriving = undefined
  }

  #install(server: Server, running: Incarnation, zxid: Zxid): void {
    running.installing = true
    this.#forServer(server, this.nowMs + this.#within(this.#options.diskMs), () => {
      if (server.running !== running) return
      this.#switchTree(server, running)
      if (this.#crashesHere(server, running, 'after installSnapshot')) return
      running.arriving = undefined
      running.installing = false
      running.diskQueue.length = 0
      running.log = [...server.disk.log]
      running.delivered = zxid
      this.#trace(`${server.id} has the tree of ${hex(zxid)}`)
      this.#step(server, running, { type: 'snapshotInstalled', zxid })
    })
  }

  /** `meta` is replaced, once: another tree, and an empty log behind it. */
  #switchTree({ disk }: Server, { arriving }: Incarnation): void {
    invariant(arriving !== undefined, 'what is installed has arrived')
    disk.log = [...arriving.records]
    disk.base = disk.applied = lastZxidOf(disk.log)
    this.checker.installed(disk.log)
  }

  #disks(): (readonly LogRecord[])[] {
    return this.servers.map((server) => server.disk.log)
  }

  #tickLater(server: Server, running: Incarnation): void {
    this.#forServer(server, this.nowMs + timing.pingMs / 2 / server.clock.rate, () => {
      if (server.running !== running) return
      this.#step(server, running, { type: 'tick' })
      this.#tickLater(server, running)
    })
  }

  #diskLater(server: Server, running: Incarnation): void {
    if (running.diskBusy || running.diskQueue.length === 0) return
    running.diskBusy = true
    const doneMs = this.nowMs + this.#within(this.#options.diskMs)
    this.#events.at(Math.max(doneMs, server.logStalledUntilMs), () => {
      if (server.running !== running) return
      const operation = running.diskQueue[0]
      this.#completeDisk(server)
      if (operation === undefined) return this.#diskLater(server, running) // it was replaced
      this.#forServer(server, this.nowMs, () => {
        if (this.#crashesHere(server, running, `after ${operation.type}`)) return
        const logged: ZabInput =
          operation.type === 'append'
            ? { type: 'logged', zxid: lastOf(operation.entries) }
            : { type: 'truncated' }
        this.#step(server, running, logged)
        this.#diskLater(server, running)
      })
    })
  }

  #completeDisk(server: Server): void {
    const { running, disk } = server
    const operation = running?.diskQueue.shift()
    if (running !== undefined) running.diskBusy = false
    if (operation?.type === 'append') this.#write(disk, recordsOf(operation.entries))
    if (operation?.type === 'truncate') this.#cutLog(disk, operation.to)
  }

  /** Some of the records under way when the power went are whole on the disk; the rest is cut. */
  #tearDisk({ disk }: Server, running: Incarnation): void {
    const operation = running.diskQueue[0]
    if (operation?.type === 'append') {
      const records = recordsOf(operation.entries)
      this.#write(disk, records.slice(0, this.random.below(records.length + 1)))
    } else if (operation?.type === 'truncate' && this.random.chance(0.5)) {
      this.#cutLog(disk, operation.to)
    }
  }

  #write(disk: Disk, records: readonly LogRecord[]): void {
    disk.log.push(...records)
    this.checker.written(disk.epochs, lastZxidOf(disk.log))
  }

  #cutLog(disk: Disk, to: Zxid): void {
    this.checker.truncated(disk.log.filter((record) => record.zxid > to))
    disk.log = disk.log.filter((record) => record.zxid <= to)
  }

  #saveEpochs({ disk }: Server, epochs: Epochs): void {
    this.checker.epochsSaved(disk.epochs, epochs)
    disk.epochs = epochs
  }

  #saveEpochsLater(server: Server, running: Incarnation): void {
    const doneMs = this.nowMs + this.#within(this.#options.diskMs)
    this.#events.at(Math.max(doneMs, server.epochsStalledUntilMs), () => {
      if (server.running !== running) return
      const epochs = running.epochsQueue[0]
      if (epochs === undefined) return
      this.#saveEpochs(server, epochs)
      this.#forServer(server, this.nowMs, () => {
        if (this.#crashesHere(server, running, 'after saveEpochs')) return
        running.epochsQueue.shift()
        if (running.epochsQueue.length > 0) this.#saveEpochsLater(server, running)
        this.#step(server, running, { type: 'epochsSaved', epochs })
      })
    })
  }

  /** Runs it for the server's process: later, if that stands still. */
  #forServer(server: Server, atMs: number, run: () => void): void {
    const start = (): void => {
      if (server.pausedUntilMs > this.nowMs) server.deferred.push(run)
      else run()
    }
    if (atMs <= this.nowMs) start()
    else this.#events.at(atMs, start)
  }

  #resume(server: Server): void {
    if (server.pausedUntilMs > this.nowMs) return
    const { deferred } = server
    server.deferred = []
    // What waited in its sockets and what its timers and its disk wanted come in any order.
    for (const run of deferred) run()
  }

  // --- network -----------------------------------------------------------------------------------

  #dialLater(a: ServerId, b: ServerId): void {
    this.#events.after(this.#within(this.#options.networkMs), () => {
      const [first, second] = a < b ? [a, b] : [b, a]
      const one = this.#server(first)
      const two = this.#server(second)
      const key = pairKey(a, b)
      if (one.running === undefined || two.running === undefined) return
      if (a === b || this.#cut.has(key)) return
      if (this.#blocked.has(`${first}>${second}`) || this.#blocked.has(`${second}>${first}`)) return
      const old = this.#links.get(key)
      if (old?.open[0] && old.open[1]) return
      const link: Link = {
        ends: [first, second],
        processes: [one.running, two.running],
        open: [true, true],
        busyUntilMs: [0, 0],
        held: [[], []],
      }
      this.#links.set(key, link)
      this.#join(one, link, 0)
      this.#join(two, link, 1)
    })
  }

  /** One end of a new link. It may still believe in the old one: half-open until now. */
  #join(server: Server, link: Link, end: 0 | 1): void {
    const running = link.processes[end]
    const peer = link.ends[1 - end] as ServerId
    this.#forServer(server, this.nowMs, () => {
      this.#strangerLeaves(server, running, peer)
      running.liars.delete(peer)
      const old = running.links.get(peer)
      if (old !== undefined) {
        this.#cover('half-open link replaced')
        this.#tellClosed(old, end)
      }
      running.links.set(peer, link)
      const other = link.processes[1 - end] as Incarnation
      const isMember =
        running.zab.ensembleId === undefined ||
        running.zab.epochs.ensembleId === other.zab.epochs.ensembleId
      if (!isMember) this.#cover('no member')
      this.#step(server, running, { type: 'connected', peer, isMember })
    })
  }

  /** The process at that end learns that its link is closed, if it did not yet. */
  #tellClosed(link: Link, end: 0 | 1): void {
    const running = link.processes[end]
    const peer = link.ends[1 - end] as ServerId
    link.open[end] = false
    if (running.links.get(peer) !== link) return
    running.links.delete(peer)
    this.#step(this.#server(link.ends[end]), running, { type: 'disconnected', peer })
  }

  #send(running: Incarnation, from: ServerId, to: ServerId, message: ZabMessage): void {
    this.#overLink(running, to, (receiver, incarnation) => {
      if (message.type !== 'PING' && message.type !== 'PONG') {
        this.#trace(`${from} -> ${to} ${describe(message)}`)
      }
      if (message.type === 'NEWEPOCH') {
        message = this.#maybeMisannounced(message, incarnation, from)
        incarnation.promised = message.epoch
        incarnation.syncPoint = zxidZero
      }
      if (message.type === 'NEWLEADER') incarnation.syncPoint = incarnation.zab.lastZxid
      this.#step(receiver, incarnation, { type: 'received', from, message })
    })
  }

  #maybeMisannounced(message: NewEpoch, receiver: Incarnation, from: ServerId): NewEpoch {
    const as = this.#misannounced
    const { acceptedEpoch, initialised } = receiver.zab.epochs
    if (as === undefined || !initialised || acceptedEpoch < 2) return message
    this.#misannounced = undefined
    this.#cover(`NEWEPOCH ${as}`)
    receiver.liars.add(from)
    return { ...message, epoch: as === 'far' ? farEpoch : acceptedEpoch - 1 }
  }

  /** Lets something arrive at the other end of the link that `running` has, if it lasts as long. */
  #overLink(
    running: Incarnation,
    to: ServerId,
    arrived: (receiver: Server, running: Incarnation) => void,
  ): void {
    const link = running.links.get(to)
    if (link === undefined) return
    const side = link.ends[1] === to ? 0 : 1
    if (!link.open[side]) return
    this.#arrive(link, side, () => {
      const receiver = this.#server(to)
      const incarnation = link.processes[1 - side] as Incarnation
      if (receiver.running !== incarnation || !link.open[1 - side]) return
      this.#forServer(receiver, this.nowMs, () => {
        if (incarnation.links.get(link.ends[side]) === link) arrived(receiver, incarnation)
      })
    })
  }

  /** Behind all that this end sent before; not at all while its direction is blocked. */
  #arrive(link: Link, side: 0 | 1, arrive: () => void): void {
    if (this.#blocked.has(`${link.ends[side]}>${link.ends[1 - side]}`)) {
      link.held[side].push(arrive)
      return
    }
    const soonestMs = this.nowMs + this.#within(this.#options.networkMs)
    const atMs = Math.max(link.busyUntilMs[side], soonestMs)
    link.busyUntilMs[side] = atMs
    this.#events.at(atMs, arrive)
  }

  /** Both ends learn of it, each in its own time; what was in flight is lost. */
  #breakLink(a: ServerId, b: ServerId): void {
    const link = this.#links.get(pairKey(a, b))
    if (link === undefined) return
    for (const end of [0, 1] as const) {
      if (!link.open[end]) continue
      link.open[end] = false
      this.#events.after(0, () => this.#noticeClosed(link, end))
      this.#tellOther(link, end)
    }
  }

  #close({ id }: Server, running: Incarnation, peer: ServerId): void {
    const link = running.links.get(peer)
    if (link !== undefined) this.#closeEnd(link, sideOf(link, id))
  }

  /** That end closes it: nothing more arrives there. The other end notices later. */
  #closeEnd(link: Link, end: 0 | 1): void {
    link.processes[end].links.delete(link.ends[1 - end] as ServerId)
    if (!link.open[end]) return
    link.open[end] = false
    this.#tellOther(link, end)
  }

  #tellOther(link: Link, end: 0 | 1): void {
    const [self, peer] = end === 0 ? link.ends : [link.ends[1], link.ends[0]]
    const told = (): void => this.#noticeClosed(link, end === 0 ? 1 : 0)
    // The news of a closing may be lost for long: the peer believes in a link that is none.
    if (this.#options.halfOpenMs !== undefined && this.random.chance(0.2)) {
      this.#events.after(this.random.next() * this.#options.halfOpenMs, told)
      this.#dialLater(self, peer)
    } else if (this.#blocked.has(`${self}>${peer}`)) link.held[end].push(told)
    else this.#events.after(this.#within(this.#options.networkMs), told)
  }

  /** The news of its closing is there; what arrived before is still read before it. */
  #noticeClosed(link: Link, end: 0 | 1): void {
    link.open[end] = false
    const [a, b] = link.ends
    const key = pairKey(a, b)
    if (!link.open[0] && !link.open[1] && this.#links.get(key) === link) {
      this.#links.delete(key)
      this.#dialLater(a, b)
    }
    const server = this.#server(link.ends[end])
    if (server.running !== link.processes[end]) return
    this.#forServer(server, this.nowMs, () => this.#tellClosed(link, end))
  }

  #within([least, most]: readonly [number, number]): number {
    return least + this.random.next() * (most - least)
  }

  #server(id: number): Server {
    const server = this.servers[id - 1]
    invariant(server !== undefined, 'a script names servers that exist')
    return server
  }

  #cover(what: string): void {
    this.coverage.set(what, (this.coverage.get(what) ?? 0) + 1)
  }

  #traceLink(line: string): void {
    if (this.#options.traceLinks === true) this.#trace(line)
  }

  #trace(line: string): void {
    this.#options.trace?.(line)
  }
}

function isLeading(server: Server): boolean {
  const role = server.running?.role
  return role?.type === 'leading' && role.epoch > 0
}

function sideOf({ ends }: Link, id: number): 0 | 1 {
  return ends[0] === id ? 0 : 1
}

function pairKey(a: number, b: number): string {
  return a < b ? `${a}-${b}` : `${b}-${a}`
}

export function entriesOf(first: Zxid, payloads: readonly string[]): Entries {
  const parts = payloads.map((payload) => {
    const part = Buffer.alloc(4 + payload.length)
    part.writeUInt32BE(payload.length)
    part.write(payload, 4, 'latin1')
    return part
  })
  return { first, count: payloads.length, bytes: Buffer.concat(parts) }
}

function recordsOf(entries: Entries): LogRecord[] {
  const bytes = Buffer.from(entries.bytes)
  const records: LogRecord[] = []
  for (let at = 0, zxid: number = entries.first; at < bytes.length; zxid++) {
    const length = bytes.readUInt32BE(at)
    records.push({ zxid: zxid as Zxid, payload: bytes.toString('latin1', at + 4, at + 4 + length) })
    at += 4 + length
  }
  return records
}

/** Consecutive records of one epoch, three at a time, so that a history takes several messages. */
function batchesOf(records: readonly LogRecord[]): Entries[] {
  const batches: Entries[] = []
  for (let i = 0; i < records.length; ) {
    const first = records[i] as LogRecord
    let end = i + 1
    while (end < i + 3 && records[end]?.zxid === first.zxid + (end - i)) end++
    batches.push(
      entriesOf(
        first.zxid,
        records.slice(i, end).map((record) => record.payload),
      ),
    )
    i = end
  }
  return batches
}

function rangesOf(log: readonly LogRecord[]): EpochRange[] {
  const ranges: EpochRange[] = []
  for (const { zxid } of log) {
    const epoch = epochOf(zxid)
    const lastCounter = counterOf(zxid)
    const last = ranges.at(-1)
    if (last?.epoch === epoch) ranges[ranges.length - 1] = { ...last, lastCounter }
    else ranges.push({ epoch, firstCounter: lastCounter, lastCounter })
  }
  return ranges
}

function lastZxidOf(records: readonly LogRecord[]): Zxid {
  return records.at(-1)?.zxid ?? zxidZero
}

function hex(zxid: Zxid): string {
  return `${epochOf(zxid)}:${counterOf(zxid)}`
}

function describeRole(role: ZabRole): string {
  if (role.type === 'looking') return 'looking'
  const epoch = role.epoch === 0 ? '' : ` in epoch ${role.epoch}`
  return role.type === 'leading' ? `leading${epoch}` : `following ${role.leader}${epoch}`
}

function describe(message: ZabMessage): string {
  switch (message.type) {
    case 'NOTIFICATION': {
      const { vote, role, round, establishedEpoch } = message
      return `NOTIFICATION ${role} ${vote.id} (${vote.epoch}, ${hex(vote.zxid)}) round ${round} established ${establishedEpoch}`
    }
    case 'CEPOCH':
      return `CEPOCH accepted ${message.acceptedEpoch}`
    case 'NEWEPOCH':
      return `NEWEPOCH ${message.epoch}${message.founds === undefined ? '' : ', the first'}`
    case 'NEWLEADER':
    case 'ACKNEWLEADER':
      return `${message.type} ${message.epoch}`
    case 'ACKEPOCH':
      return `ACKEPOCH current ${message.currentEpoch} log ${hex(message.lastZxid)} counts ${message.counts}`
    case 'DIFF':
      return `DIFF after ${hex(message.after)}`
    case 'TRUNC':
      return `TRUNC to ${hex(message.to)}`
    case 'SNAP':
      return 'SNAP'
    case 'ACKSNAP':
      return `ACKSNAP ${hex(message.lastZxid)}`
    case 'PROPOSAL':
      return `PROPOSAL ${recordsOf(message.entries)
        .map((record) => `${hex(record.zxid)}=${record.payload}`)
        .join(' ')}`
    case 'UPTODATE':
      return `UPTODATE committed ${hex(message.committed)}`
    case 'ACK':
    case 'COMMIT':
      return `${message.type} ${hex(message.zxid)}`
    case 'PING':
    case 'PONG':
      return `${message.type} ${message.round}`
  }
}
