// A whole ensemble of Zab cores in one process: one seed decides delays, faults and their times.
// The actions of a script or the nemesis are here and in its network and lies; the other files:
//
//   server.ts     a machine, and the processes on it     network.ts   links between them
//   shell.ts      performs what the cores decide         trees.ts     trees on their way
//   disk.ts       what survives a crash                  lies.ts      forged votes and strangers
//   rules.ts      invariants of one server              checker.ts   invariants among servers
//
// A server may crash between any two effects, and be paused as if by a signal; an election may be
// decided for any server, since safety must not depend on elections.

import { invariant } from '../../../src/invariant.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import { counterOf, epochOf, makeZxid, type Zxid } from '../../../src/protocol/zxid.ts'
import type { Random } from '../../../src/random.ts'
import { Coverage } from '../coverage.ts'
import { EventQueue } from '../event-queue.ts'
import type { Range } from '../range.ts'
import { ZabChecker } from './checker.ts'
import {
  activation,
  changeIn,
  changesIn,
  configRecord,
  type Electors,
  electorateIn,
  electorsIn,
  equals,
  idsOf,
  isQuorum,
  stateIn,
} from './configurations.ts'
import type { CrashPoint } from './crash-points.ts'
import { describeZxid } from './describe.ts'
import { Lies } from './lies.ts'
import { ZabNetwork } from './network.ts'
import type { LogRecord } from './records.ts'
import { entriesOf, recordsOf } from './records.ts'
import { type Incarnation, ZabServer } from './server.ts'
import { ZabShell } from './shell.ts'

export interface ZabWorldOptions {
  readonly servers: number
  /** those of them that do not vote */
  readonly observers: readonly number[]
  /** latency of a message, of a disk operation, of a tree transfer with its pings */
  readonly networkMs: Range
  readonly diskMs: Range
  readonly treeMs: Range
  /** an epoch ends when its counter exceeds this */
  readonly epochCounterMax: number
  /** how long an end may consider a link open that the other has closed; 0: never */
  readonly halfOpenMs: number
  /** whether a majority may begin the ensemble; otherwise all voters must be present */
  readonly bootstrap: boolean
}

const quick: ZabWorldOptions = {
  servers: 3,
  observers: [],
  networkMs: [1, 1],
  diskMs: [1, 1],
  treeMs: [0, 0],
  epochCounterMax: 2 ** 31,
  halfOpenMs: 0,
  bootstrap: false,
}

export class ZabWorld {
  readonly random: Random
  readonly options: ZabWorldOptions
  readonly events = new EventQueue()
  readonly checker = new ZabChecker()
  readonly coverage = new Coverage()
  readonly servers: readonly ZabServer[]
  /** as long as no configuration was proposed */
  readonly voters: readonly ZabServer[]
  readonly seed: readonly ServerId[]
  /** A configuration was proposed. */
  isReconfigured = false
  readonly network: ZabNetwork
  readonly lies: Lies
  readonly trace: (line: string) => void
  readonly traceLink: (line: string) => void
  readonly #shell: ZabShell
  #proposals = 0
  /** whether a voter looked for a leader since `watchForLooking` */
  hasLooked = false
  #token = 0

  constructor(
    random: Random,
    options: Partial<ZabWorldOptions>,
    traces: { trace?: ((line: string) => void) | undefined; ofLinks?: boolean } = {},
  ) {
    this.random = random
    this.options = { ...quick, ...options }
    this.trace = traces.trace ?? (() => undefined)
    this.traceLink = traces.ofLinks === true ? this.trace : () => undefined
    const ids = Array.from({ length: this.options.servers }, (_, i) => (i + 1) as ServerId)
    const { observers } = this.options
    this.servers = ids.map((id) => new ZabServer(id, !observers.includes(id), this))
    this.voters = this.servers.filter(({ votes }) => votes)
    this.seed = this.voters.map(({ id }) => id)
    this.#shell = new ZabShell(this)
    this.lies = new Lies(this, this.#shell)
    this.network = this.#makeNetwork()
  }

  #makeNetwork(): ZabNetwork {
    const { events, random, servers, coverage, trace, lies, options } = this
    const shell = this.#shell
    return new ZabNetwork({
      events,
      random,
      servers,
      delayMs: options.networkMs,
      halfOpenMs: options.halfOpenMs,
      trace,
      cover: (what) => coverage.cover(what),
      meeting: (process, peer) => {
        lies.strangerLeaves(process, peer)
        process.liars.delete(peer)
      },
      connected: (process, peer, other) => {
        const { zab } = process
        const isMember =
          zab.ensembleId === undefined || zab.epochs.ensembleId === other.zab.epochs.ensembleId
        if (!isMember) coverage.cover('no member')
        shell.step(process, { type: 'connected', peer, isMember })
      },
      disconnected: (process, peer) => shell.step(process, { type: 'disconnected', peer }),
    })
  }

  get nowMs(): number {
    return this.events.nowMs
  }

  get eventCount(): number {
    return this.events.eventCount
  }

  server(id: number): ZabServer {
    const server = this.servers[id - 1]
    invariant(server !== undefined, 'a script names servers that exist')
    return server
  }

  /** Runs everything that is due within `durationMs`. */
  run(durationMs: number): void {
    this.events.run(durationMs)
  }

  // --- processes and disks -----------------------------------------------------------------------

  start(id: number): void {
    this.#shell.start(this.server(id))
  }

  /** kill -9 and power loss at once: what was not synced is gone. */
  crash(id: number): void {
    this.#shell.crash(this.server(id))
  }

  /** Crashes before one of the next effects or completions: between any two steps. */
  crashSoon(id: number, effects: number): void {
    const { running } = this.server(id)
    if (running !== undefined) running.effectsUntilCrash = effects
  }

  /** The next server that reaches the point crashes; none does without a point. */
  crashAt(point: CrashPoint | undefined): void {
    this.#shell.crashAt(point)
  }

  /** Pauses the process, but not its disk and network. */
  pause(id: number, durationMs: number): void {
    const server = this.server(id)
    if (server.running === undefined || server.isPaused) return
    this.trace(`${id} stands still for ${Math.round(durationMs)} ms`)
    this.coverage.cover('pause')
    server.standstill.begin(durationMs)
  }

  resumeAll(): void {
    for (const { standstill } of this.servers) standstill.end()
  }

  /** From now on its clock runs at `rate`; safety must not depend on clocks. */
  drift(id: number, rate: number): void {
    const { clock } = this.server(id)
    if (rate !== clock.rate) this.trace(`the clock of ${id} runs at ${rate.toFixed(2)}`)
    clock.drift(rate)
  }

  /** Writes of the log, or of the epochs, take at least this long. */
  stallDisk(id: number, what: 'log' | 'epochs', durationMs: number): void {
    this.trace(`the ${what} of ${id} stall for ${Math.round(durationMs)} ms`)
    this.server(id).disk.stall(what, this.nowMs + durationMs)
  }

  /**
   * A crash that loses the disk, only if the others can still continue, every majority of them has
   * everything committed, and they know the newest epoch. `anyhow`: the remaining servers may have
   * to wait for ever, but they must not continue without what was committed.
   */
  wipe(id: number, { anyhow = false } = {}): void {
    const { disk, votes } = this.server(id)
    const committed = this.checker.lastZxid
    const majority = Math.floor(this.voters.length / 2) + 1
    const others = this.voters.filter((other) => other.id !== id && other.disk.epochs.initialised)
    const behind = others.filter(
      (other) =>
        other.disk.last < committed || other.disk.epochs.acceptedEpoch < this.checker.chosenEpoch,
    )
    if (votes) {
      if (!anyhow && (others.length < majority || behind.length >= majority)) return
      if (others.length === behind.length) return
      // What has a majority only with its ack may be committed already.
      if (disk.last > committed) return
    }
    this.crash(id)
    this.trace(`${id} loses its disk`)
    this.coverage.cover('wipe')
    disk.wipe()
  }

  /**
   * Writes the tree up to a transaction, the last delivered one or any; the log begins after it.
   */
  purge(id: number, to: 'last' | 'any' = 'any'): void {
    const { running: process, disk } = this.server(id)
    if (process === undefined || process.isInstalling || !process.zab.mayPurge) return
    const reached = disk.log.filter(({ zxid }) => zxid > disk.base && zxid <= process.delivered)
    const upTo = to === 'last' ? reached.at(-1) : reached[this.random.below(reached.length + 1)]
    if (upTo === undefined) return
    this.trace(`${id} purges its log up to ${describeZxid(upTo.zxid)}`)
    this.coverage.cover('purge')
    disk.purge(upTo.zxid)
    this.#shell.step(process, { type: 'purged', base: upTo.zxid })
  }

  // --- leaders -----------------------------------------------------------------------------------

  leader(): number | undefined {
    return this.servers.find(({ isLeading }) => isLeading)?.id
  }

  /** Asks every leader whether it still leads. */
  confirm(): void {
    for (const { running: process, isLeading, isPaused } of this.servers) {
      if (process === undefined || !isLeading || isPaused) continue
      const token = ++this.#token
      process.questions.push({
        token,
        establishedEpoch: this.checker.establishedEpoch,
        committed: this.checker.lastZxid,
        lastZxid: process.zab.lastZxid,
      })
      this.#shell.step(process, { type: 'confirm', token })
    }
  }

  /** Asks every leader to begin its next epoch. */
  handover(): void {
    for (const { running: process, isLeading, isPaused } of this.servers) {
      if (process === undefined || !isLeading || isPaused) continue
      const { acceptedEpoch } = process.zab.epochs
      this.#shell.step(process, { type: 'handover' })
      if (process.zab.epochs.acceptedEpoch === acceptedEpoch) continue
      process.isHandingOver = true
      this.coverage.cover('handover')
    }
  }

  /** Asks every leader to hand over. */
  transfer(request: { readonly to?: number; readonly leaves: boolean }): void {
    const { leaves } = request
    const to = request.to as ServerId | undefined
    for (const { running: process, isLeading, isPaused } of this.servers) {
      if (process === undefined || !isLeading || isPaused) continue
      this.coverage.cover('transfer asked for')
      this.#shell.step(process, { type: 'transfer', request: { to, leaves } })
    }
  }

  watchForLooking(): void {
    this.hasLooked = false
  }

  /** Like `propose`, with unique payloads. */
  proposeSome(count: number): boolean {
    return this.propose(Array.from({ length: count }, () => `p${++this.#proposals}`))
  }

  /** @returns whether there was a leader to propose to */
  propose(payloads: readonly string[], at?: number): boolean {
    const leaders = this.servers.filter(
      (server) =>
        server.isLeading &&
        server.running?.isHandingOver === false &&
        !server.running.isHolding &&
        !server.isPaused &&
        (at === undefined || server.id === at),
    )
    const leader = leaders.length === 0 ? undefined : this.random.pick(leaders)
    const [process, epoch] = [leader?.running, leader?.leadsEpoch]
    if (process === undefined || epoch === undefined) return false
    const last = process.zab.lastZxid
    const counter = epochOf(last) === epoch ? counterOf(last) + 1 : 1
    const entries = entriesOf(makeZxid({ epoch, counter }), payloads)
    for (const record of recordsOf(entries)) {
      if (changeIn(record.payload) !== undefined) this.#changes(process.log, record)
      this.checker.proposed(record, process.delivered)
    }
    this.#shell.step(process, { type: 'proposed', entries })
    return true
  }

  /** I20: a change begins when the last one is active, and ends once it is committed. */
  #changes(log: readonly LogRecord[], { payload }: LogRecord): void {
    this.isReconfigured = true
    const state = stateIn(log, Infinity as Zxid, this.seed)
    const last = log.findLast((record) => changeIn(record.payload) !== undefined)
    const diskOf = (id: ServerId): readonly LogRecord[] => this.servers[id - 1]?.disk.log ?? []
    const copies = { electors: this.electorsOf(log), diskOf }
    invariant(
      last === undefined || this.checker.isCommitted(last, copies),
      'two changes of the configuration never overlap',
    )
    const isJoint = state?.before !== undefined
    invariant(isJoint === (payload === activation), 'a change is proposed, then activated')
  }

  /** A leader proposes that any servers be the voters. */
  reconfigure(): void {
    const { random, servers } = this
    const count = 1 + random.below(servers.length)
    const voters = random.shuffled(servers.map(({ id }) => id)).slice(0, count)
    const record = configRecord(voters)
    const change = changeIn(record)
    if (change?.type !== 'propose') return
    const leader = servers.find(
      ({ running }) => running?.zab.judgeConfiguration(change) === 'possible',
    )
    if (leader === undefined || !this.propose([record], leader.id)) return
    this.coverage.cover('reconfiguration')
    if (electorateIn(change.text) !== undefined) this.coverage.cover('reconfiguration to groups')
    this.trace(`${leader.id} proposes the voters ${change.text}`)
  }

  /** The voters that a server has to go by whose log this is. */
  electorsOf(log: readonly LogRecord[], upTo = Infinity as Zxid): Electors {
    return this.isReconfigured ? electorsIn(log, upTo, this.seed) : [equals(this.seed)]
  }

  /** The voters beside the leader, in the order of their ids, by its log. */
  votersBeside(leader: number | undefined): readonly ServerId[] {
    const process = this.servers.find(({ id }) => id === leader)?.running
    const voters = new Set(idsOf(this.electorsOf(process?.log ?? [])))
    return [...voters].filter((id) => id !== leader).sort((a, b) => a - b)
  }

  /** Whether the other voters decide alone, by its log. */
  isQuorumWithout(leader: number | undefined): boolean {
    const process = this.servers.find(({ id }) => id === leader)?.running
    return isQuorum(this.electorsOf(process?.log ?? []), (id) => id !== leader)
  }

  /** Whether a server with this log may count, by the last configuration or an earlier one. */
  concerns({ log, delivered, server }: Incarnation): boolean {
    const states = [delivered, ...changesIn(log, delivered).map(({ zxid }) => zxid)]
    return states.some((zxid) => idsOf(this.electorsOf(log, zxid)).includes(server.id))
  }

  // --- how it stands -----------------------------------------------------------------------------

  /** Whether enough servers have a history to continue, or none has one, so that they may begin. */
  get mayGoOn(): boolean {
    const epochs = this.voters.map(({ disk }) => disk.epochs)
    const initialised = epochs.filter((each) => each.initialised).length
    return (
      initialised > this.voters.length / 2 || epochs.every(({ currentEpoch }) => currentEpoch === 0)
    )
  }

  /** Whether one leader is followed by all, and all have delivered the same. */
  converged(): boolean {
    const leader = this.servers.find(({ isLeading }) => isLeading)
    const [process, epoch] = [leader?.running, leader?.leadsEpoch]
    if (process === undefined || process.isHandingOver) return false
    return this.servers.every(({ running, isPaused }) => {
      if (running === undefined || isPaused) return false
      if (running.isHolding || running.delivered !== process.zab.lastZxid) return false
      return running.role.type !== 'looking' && running.role.epoch === epoch
    })
  }
}
