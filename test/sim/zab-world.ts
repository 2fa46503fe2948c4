// A whole ensemble of Zab cores in one process: one seed decides delays, faults and their times. The
// network keeps FIFO within a connection and loses what was in flight when it breaks; the disk keeps
// only what was synced, in the order it was asked for. The properties of Zab are checked as it runs.

import type { EpochRange } from '../../src/daemon/zab/history.ts'
import { lastOf } from '../../src/daemon/zab/history.ts'
import { Zab } from '../../src/daemon/zab/peer.ts'
import type { Epochs, ZabEffect, ZabInput, ZabRole, ZabTiming } from '../../src/daemon/zab/types.ts'
import { invariant } from '../../src/invariant.ts'
import type { Entries, ZabMessage } from '../../src/protocol/peer/messages.ts'
import type { ServerId } from '../../src/protocol/records.ts'
import { counterOf, epochOf, makeZxid, type Zxid, zxidZero } from '../../src/protocol/zxid.ts'
import { Random } from '../../src/random.ts'
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
  readonly trace?: (line: string) => void
}

const timing: ZabTiming = {
  pingMs: 100,
  leaderTimeoutMs: 600,
  discoveryTimeoutMs: 1200,
  syncTimeoutMs: 2000,
  quietMs: 30,
  renotifyMs: 200,
  renotifyMaxMs: 2000,
}

type DiskOperation =
  | { readonly type: 'append'; readonly entries: Entries }
  | { readonly type: 'truncate'; readonly to: Zxid }

interface Disk {
  epochs: Epochs
  log: LogRecord[]
  /** the tree's write-behind store: some prefix of what was delivered */
  applied: Zxid
  /** what lay on the disk that this one replaces */
  lost: readonly LogRecord[]
}

/** One run of a server's process, from start to crash. */
interface Incarnation {
  readonly zab: Zab
  /** what a read of the log gives: what was appended, synced or not */
  log: LogRecord[]
  readonly diskQueue: DiskOperation[]
  diskBusy: boolean
  readonly epochsQueue: Epochs[]
  role: ZabRole
  delivered: Zxid
  /** by token: the last transaction that anybody knew to be committed when it was asked */
  readonly asked: Zxid[]
}

interface Server {
  readonly id: ServerId
  readonly disk: Disk
  running: Incarnation | undefined
  /** While its process stands still: what waits in its sockets. */
  waiting: (() => void)[] | undefined
  /** not before its new disk is there */
  startableMs: number
}

interface Link {
  readonly ends: readonly [ServerId, ServerId]
  /** whether each end has it open */
  readonly open: [boolean, boolean]
  /** when the last message each end sent arrives: FIFO */
  readonly busyUntilMs: [number, number]
}

interface Event {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
}

export class ZabWorld {
  readonly random: Random
  readonly servers: Server[]
  readonly checker = new ZabChecker()
  nowMs = 0
  confirmedCount = 0
  readonly #options: WorldOptions
  readonly #events: Event[] = []
  readonly #links = new Map<string, Link>()
  readonly #cut = new Set<string>()
  #order = 0
  #proposals = 0

  constructor(options: WorldOptions) {
    this.#options = options
    this.random = new Random(options.seed)
    this.servers = Array.from({ length: options.servers }, (_, i) => ({
      id: (i + 1) as ServerId,
      disk: {
        epochs: { acceptedEpoch: 0, currentEpoch: 0, ensembleId: undefined },
        log: [],
        applied: zxidZero,
        lost: [],
      },
      running: undefined,
      waiting: undefined,
      startableMs: 0,
    }))
  }

  // --- what a script or the nemesis does ---------------------------------------------------------

  start(id: number): void {
    const server = this.#server(id)
    if (server.running !== undefined || this.nowMs < server.startableMs) return
    const { disk } = server
    const logged = rangesOf(disk.log)
    this.#trace(
      `${id} starts: accepted ${disk.epochs.acceptedEpoch}, current ${disk.epochs.currentEpoch}, log ${hex(disk.log.at(-1)?.zxid ?? zxidZero)}`,
    )
    const zab = new Zab(
      {
        self: server.id,
        voters: this.servers.map((other) => other.id),
        epochs: disk.epochs,
        logBase: zxidZero,
        logged,
        lastApplied: disk.applied,
        timing,
        newEnsembleId: `ensemble-of-${id}`,
      },
      this.nowMs,
    )
    const running: Incarnation = {
      zab,
      log: [...disk.log],
      diskQueue: [],
      diskBusy: false,
      epochsQueue: [],
      role: { type: 'looking' },
      delivered: disk.applied,
      asked: [],
    }
    server.running = running
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
    // A write under way may have reached the disk or not; one queued behind a lost one has not.
    if (running.diskBusy && this.random.chance(0.5)) this.#completeDisk(server, running)
    if (running.epochsQueue.length > 0 && this.random.chance(0.5)) {
      server.disk.epochs = running.epochsQueue[0] as Epochs
    }
    server.running = undefined
    server.waiting = undefined
    // Write-behind reached some point of what was delivered.
    const { log } = server.disk
    const reached = log.filter(
      (record) => record.zxid > server.disk.applied && record.zxid <= running.delivered,
    )
    const kept = reached[this.random.below(reached.length + 1)]
    if (kept !== undefined) server.disk.applied = kept.zxid
    for (const other of this.servers) this.#breakLink(server.id, other.id)
  }

  /** Whether every server has held an established history. */
  get formed(): boolean {
    return this.servers.every(({ disk }) => disk.epochs.currentEpoch > 0)
  }

  /** The disk is lost; a while later the server can be started with an empty one. */
  wipe(id: number, replacedMs: number): void {
    this.crash(id)
    const server = this.#server(id)
    this.#trace(`${id} loses its disk`)
    const { disk } = server
    disk.lost = disk.log
    disk.log = []
    disk.epochs = { acceptedEpoch: 0, currentEpoch: 0, ensembleId: undefined }
    disk.applied = zxidZero
    server.startableMs = this.nowMs + replacedMs
  }

  /** The process stands still, as with SIGSTOP: its connections stay, its peers see silence. */
  pause(id: number, durationMs: number): void {
    const server = this.#server(id)
    const { running } = server
    if (running === undefined || server.waiting !== undefined) return
    this.#trace(`${id} stands still`)
    server.waiting = []
    this.#after(durationMs, () => {
      if (server.running !== running) return
      const waiting = server.waiting ?? []
      server.waiting = undefined
      this.#trace(`${id} goes on`)
      // Timers are due before sockets are read: the order in which an event loop comes back.
      this.#step(server, running, { type: 'tick' })
      for (const step of waiting) step()
    })
  }

  /** Breaks the connection; it is dialled again. */
  drop(a: number, b: number): void {
    this.#breakLink(a as ServerId, b as ServerId)
  }

  /** What `from` sends to `to` is held up for a while; the other direction works, neither end notices. */
  stall(from: number, to: number, durationMs: number): void {
    const link = this.#links.get(pairKey(from, to))
    if (link === undefined) return
    this.#trace(`${from} cannot be heard by ${to}`)
    const side = link.ends[0] === from ? 0 : 1
    link.busyUntilMs[side] = Math.max(link.busyUntilMs[side], this.nowMs + durationMs)
  }

  /** Nothing passes to or from a server for a while, and nobody is told. */
  isolate(id: number, durationMs: number): void {
    for (const other of this.servers) {
      this.stall(id, other.id, durationMs)
      this.stall(other.id, id, durationMs)
    }
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
    for (const a of this.servers) for (const b of this.servers) this.heal(a.id, b.id)
  }

  /** As `propose`, with payloads that are unique by themselves. */
  proposeSome(count: number): boolean {
    return this.propose(Array.from({ length: count }, () => `p${++this.#proposals}`))
  }

  /** @returns whether there was a leader to propose at */
  propose(payloads: readonly string[], at?: number): boolean {
    const leaders = this.servers.filter(
      (server) =>
        isLeading(server) && server.waiting === undefined && (at === undefined || server.id === at),
    )
    const server = leaders.length === 0 ? undefined : this.random.pick(leaders)
    const running = server?.running
    if (server === undefined || running === undefined || running.role.type !== 'leading')
      return false
    const last = running.zab.lastZxid
    const epoch = running.role.epoch
    const first = epochOf(last) === epoch ? counterOf(last) + 1 : 1
    const entries = entriesOf(makeZxid({ epoch, counter: first }), payloads)
    for (const record of recordsOf(entries)) this.checker.proposed(record)
    this.#step(server, running, { type: 'proposed', entries })
    return true
  }

  /** Asks everybody who believes to lead whether it does, as a sync would. */
  confirmAll(): void {
    const committed = this.checker.committed.at(-1)?.zxid ?? zxidZero
    for (const server of this.servers) {
      const { running } = server
      if (running === undefined || server.waiting !== undefined || !isLeading(server)) continue
      const token = running.asked.push(committed) - 1
      this.#step(server, running, { type: 'confirm', token })
    }
  }

  leader(): number | undefined {
    return this.servers.find(isLeading)?.id
  }

  /** Runs everything that is due within `durationMs`. */
  run(durationMs: number): void {
    const untilMs = this.nowMs + durationMs
    for (;;) {
      const event = this.#events[0]
      if (event === undefined || event.atMs > untilMs) break
      this.#popEvent()
      this.nowMs = event.atMs
      event.run()
    }
    this.nowMs = untilMs
  }

  /** Whether one leader is followed by all, and all have delivered the same. */
  converged(): boolean {
    const leader = this.servers.find(isLeading)
    if (leader?.running?.role.type !== 'leading') return false
    const { epoch } = leader.running.role
    return this.servers.every((server) => {
      const { running } = server
      if (running === undefined || server.waiting !== undefined) return false
      if (running.delivered !== leader.running?.zab.lastZxid) return false
      const { role } = running
      return role.type !== 'looking' && role.epoch === epoch
    })
  }

  // --- the shell around one core -----------------------------------------------------------------

  #step(server: Server, running: Incarnation, input: ZabInput): void {
    if (server.running !== running) return
    if (server.waiting !== undefined) {
      // One timer, however often it was due.
      if (input.type !== 'tick') server.waiting.push(() => this.#step(server, running, input))
      return
    }
    this.#perform(server, running, running.zab.step(this.nowMs, input))
  }

  #perform(server: Server, running: Incarnation, effects: readonly ZabEffect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'send':
          this.#send(server.id, effect.to, effect.message)
          break
        case 'sendHistory': {
          const records = running.log.filter(
            (record) => record.zxid > effect.after && record.zxid <= effect.upTo,
          )
          for (const entries of batchesOf(records)) {
            this.#send(server.id, effect.to, { type: 'PROPOSAL', entries })
          }
          break
        }
        case 'append':
          running.log.push(...recordsOf(effect.entries))
          running.diskQueue.push(effect)
          this.#diskLater(server, running)
          break
        case 'truncate':
          running.log = running.log.filter((record) => record.zxid <= effect.to)
          running.diskQueue.push(effect)
          this.#diskLater(server, running)
          break
        case 'saveEpochs':
          running.epochsQueue.push(effect.epochs)
          if (running.epochsQueue.length === 1) this.#saveEpochsLater(server, running)
          break
        case 'deliver':
          for (const record of running.log) {
            if (record.zxid <= running.delivered || record.zxid > effect.upTo) continue
            this.checker.delivered(
              server.id,
              record,
              this.servers.map((other) => other.disk),
            )
          }
          running.delivered = effect.upTo
          this.#trace(`${server.id} delivers up to ${hex(effect.upTo)}`)
          break
        case 'disconnect':
          this.#closeEnd(server.id, effect.peer)
          break
        case 'role':
          running.role = effect.role
          this.#trace(`${server.id} is ${describeRole(effect.role)}`)
          if (effect.role.type === 'leading' && effect.role.epoch > 0) {
            this.checker.established(server.id, effect.role.epoch, running.log)
          }
          break
        case 'confirmed':
          // What was committed before it was asked, a sync then shows.
          for (const committed of running.asked.slice(0, effect.token + 1)) {
            invariant(running.zab.lastZxid >= committed, 'a deposed leader confirms nothing')
          }
          this.confirmedCount++
          break
        case 'fatal':
          invariant(false, `no server has to give up: ${effect.reason}`)
      }
    }
  }

  #tickLater(server: Server, running: Incarnation): void {
    this.#after(timing.pingMs / 2, () => {
      if (server.running !== running) return
      this.#step(server, running, { type: 'tick' })
      this.#tickLater(server, running)
    })
  }

  #diskLater(server: Server, running: Incarnation): void {
    if (running.diskBusy || running.diskQueue.length === 0) return
    running.diskBusy = true
    this.#after(this.#within(this.#options.diskMs), () => {
      if (server.running !== running) return
      const operation = running.diskQueue[0]
      this.#completeDisk(server, running)
      if (operation?.type === 'append') {
        this.#step(server, running, { type: 'logged', zxid: lastOf(operation.entries) })
      } else {
        this.#step(server, running, { type: 'truncated' })
      }
      this.#diskLater(server, running)
    })
  }

  #completeDisk(server: Server, running: Incarnation): void {
    const operation = running.diskQueue.shift()
    running.diskBusy = false
    if (operation?.type === 'append') server.disk.log.push(...recordsOf(operation.entries))
    if (operation?.type === 'truncate') {
      server.disk.log = server.disk.log.filter((record) => record.zxid <= operation.to)
    }
  }

  #saveEpochsLater(server: Server, running: Incarnation): void {
    this.#after(this.#within(this.#options.diskMs), () => {
      if (server.running !== running) return
      const epochs = running.epochsQueue.shift()
      if (epochs === undefined) return
      this.checker.epochsSaved(server.disk.epochs, epochs)
      server.disk.epochs = epochs
      if (running.epochsQueue.length > 0) this.#saveEpochsLater(server, running)
      this.#step(server, running, { type: 'epochsSaved', epochs })
    })
  }

  // --- network -----------------------------------------------------------------------------------

  #dialLater(a: ServerId, b: ServerId): void {
    this.#after(this.#within(this.#options.networkMs), () => {
      const [first, second] = a < b ? [a, b] : [b, a]
      const one = this.#server(first)
      const two = this.#server(second)
      const key = pairKey(a, b)
      if (one.running === undefined || two.running === undefined) return
      if (a === b || this.#cut.has(key) || this.#links.has(key)) return
      const link: Link = { ends: [first, second], open: [true, true], busyUntilMs: [0, 0] }
      this.#links.set(key, link)
      this.#step(one, one.running, { type: 'connected', peer: second })
      if (two.running !== undefined)
        this.#step(two, two.running, { type: 'connected', peer: first })
    })
  }

  #send(from: ServerId, to: ServerId, message: ZabMessage): void {
    const link = this.#links.get(pairKey(from, to))
    if (link === undefined) return
    const side = link.ends[0] === from ? 0 : 1
    if (!link.open[side]) return
    const atMs = Math.max(
      link.busyUntilMs[side],
      this.nowMs + this.#within(this.#options.networkMs),
    )
    link.busyUntilMs[side] = atMs
    this.#at(atMs, () => {
      const receiver = this.#server(to)
      if (receiver.running === undefined || !link.open[1 - side]) return
      if (message.type !== 'PING' && message.type !== 'PONG') {
        this.#trace(`${from} -> ${to} ${describe(message)}`)
      }
      this.#step(receiver, receiver.running, { type: 'received', from, message })
    })
  }

  /** Both ends learn of it, each in its own time; what was in flight is lost. */
  #breakLink(a: ServerId, b: ServerId): void {
    const link = this.#links.get(pairKey(a, b))
    if (link === undefined) return
    this.#closeEnd(link.ends[0], link.ends[1], true)
    this.#closeEnd(link.ends[1], link.ends[0], true)
  }

  /** `self` closes its end; the other end notices later, and somebody dials again. */
  #closeEnd(self: ServerId, peer: ServerId, tellSelf = false): void {
    const key = pairKey(self, peer)
    const link = this.#links.get(key)
    if (link === undefined) return
    const side = link.ends[0] === self ? 0 : 1
    if (!link.open[side]) return
    link.open[side] = false
    const notice = (id: ServerId, other: ServerId, end: 0 | 1, delayMs: number): void => {
      const { running } = this.#server(id)
      this.#after(delayMs, () => {
        const wasOpen = end === side ? tellSelf : link.open[end]
        link.open[end] = false
        if (!link.open[0] && !link.open[1] && this.#links.get(key) === link) {
          this.#links.delete(key)
          this.#dialLater(self, peer)
        }
        const server = this.#server(id)
        if (running === undefined || server.running !== running || !wasOpen) return
        this.#step(server, running, { type: 'disconnected', peer: other })
      })
    }
    if (tellSelf) return notice(self, peer, side, 0)
    // A FIN comes behind what was sent before it.
    const delayMs = this.#within(this.#options.networkMs)
    const heldUpMs = link.busyUntilMs[side] - this.nowMs
    notice(peer, self, side === 0 ? 1 : 0, Math.max(delayMs, heldUpMs))
  }

  // --- time --------------------------------------------------------------------------------------

  #after(delayMs: number, run: () => void): void {
    this.#at(this.nowMs + delayMs, run)
  }

  /** A binary heap by time, then by order of arrival. */
  #at(atMs: number, run: () => void): void {
    const events = this.#events
    let i = events.push({ atMs, order: this.#order++, run }) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!sooner(events[i], events[parent])) break
      swap(events, i, parent)
      i = parent
    }
  }

  #popEvent(): void {
    const events = this.#events
    const last = events.pop()
    if (last === undefined || events.length === 0) return
    events[0] = last
    for (let i = 0; ; ) {
      const left = 2 * i + 1
      const right = left + 1
      let least = i
      if (sooner(events[left], events[least])) least = left
      if (sooner(events[right], events[least])) least = right
      if (least === i) return
      swap(events, i, least)
      i = least
    }
  }

  #within([least, most]: readonly [number, number]): number {
    return least + this.random.next() * (most - least)
  }

  #server(id: number): Server {
    const server = this.servers[id - 1]
    invariant(server !== undefined, 'a script names servers that exist')
    return server
  }

  #trace(line: string): void {
    this.#options.trace?.(line)
  }
}

function isLeading(server: Server): boolean {
  const role = server.running?.role
  return role?.type === 'leading' && role.epoch > 0
}

function sooner(a: Event | undefined, b: Event | undefined): boolean {
  if (a === undefined || b === undefined) return false
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}

function swap(events: Event[], i: number, j: number): void {
  const a = events[i]
  const b = events[j]
  if (a === undefined || b === undefined) return
  events[i] = b
  events[j] = a
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
    case 'NEWLEADER':
    case 'ACKNEWLEADER':
      return `${message.type} ${message.epoch}`
    case 'ACKEPOCH':
      return `ACKEPOCH current ${message.currentEpoch} log ${hex(message.lastZxid)} counts ${message.counts}`
    case 'DIFF':
      return `DIFF after ${hex(message.after)}`
    case 'TRUNC':
      return `TRUNC to ${hex(message.to)}`
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
