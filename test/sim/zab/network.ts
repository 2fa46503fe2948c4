// The links between simulated servers. They deliver first in, first out, and lose what is in flight
// when they break; each end learns of that in its own time, and may long consider a broken link
// open. A blocked direction holds back what is sent until it is opened, or the link breaks.

import type { ServerId } from '../../../src/protocol/records.ts'
import type { Random } from '../../../src/random.ts'
import type { EventQueue } from '../event-queue.ts'
import { Pipe, Ways } from '../pipe.ts'
import { type Range, within } from '../range.ts'
import type { Incarnation, ZabServer } from './server.ts'

export interface Link {
  readonly ends: readonly [ServerId, ServerId]
  /** the processes that it joins, not those started later */
  readonly processes: readonly [Incarnation, Incarnation]
  /** whether each end has it open */
  readonly open: [boolean, boolean]
  /** what each end sends */
  readonly pipes: readonly [Pipe, Pipe]
}

type End = 0 | 1

export interface ZabNetworkParts {
  readonly events: EventQueue
  readonly random: Random
  readonly servers: readonly ZabServer[]
  /** latency of a message */
  readonly delayMs: Range
  /** how long an end may consider a link open that the other has closed; 0: never */
  readonly halfOpenMs: number
  readonly trace: (line: string) => void
  readonly cover: (what: string) => void
  /** A process is about to have a link to `peer`, which is really `other`. */
  readonly meeting: (process: Incarnation, peer: ServerId) => void
  readonly connected: (process: Incarnation, peer: ServerId, other: Incarnation) => void
  readonly disconnected: (process: Incarnation, peer: ServerId) => void
}

export class ZabNetwork {
  readonly #parts: ZabNetworkParts
  readonly #links = new Map<string, Link>()
  readonly #cut = new Set<string>()
  readonly #ways = new Ways<number>()

  constructor(parts: ZabNetworkParts) {
    this.#parts = parts
  }

  // --- what goes wrong ---------------------------------------------------------------------------

  /** Breaks the link between the two, which is then dialled again. */
  drop(a: number, b: number): void {
    this.#break(this.#links.get(pairKey(a, b)))
  }

  /** Blocks both directions between the two until `heal`. */
  cut(a: number, b: number): void {
    this.#parts.trace(`${a} and ${b} are cut off from each other`)
    this.#cut.add(pairKey(a, b))
    this.drop(a, b)
  }

  heal(a: number, b: number): void {
    if (!this.#cut.delete(pairKey(a, b))) return
    this.#parts.trace(`${a} and ${b} reach each other again`)
    this.dial(a, b)
  }

  healAll(): void {
    const { servers } = this.#parts
    for (const a of servers) {
      for (const b of servers) {
        this.heal(a.id, b.id)
        this.unblock(a.id, b.id)
      }
    }
  }

  /** What `from` sends no longer arrives at `to`, not even a closing. */
  block(from: number, to: number): void {
    if (this.#ways.block(from, to)) this.#parts.trace(`nothing gets from ${from} to ${to}`)
  }

  /** Delivers late what was held back. */
  unblock(from: number, to: number): void {
    if (!this.#ways.open(from, to)) return
    this.#parts.trace(`${from} gets through to ${to} again`)
    const link = this.#links.get(pairKey(from, to))
    if (link !== undefined) link.pipes[endOf(link, from)].release()
    this.dial(from, to)
  }

  /** Like `block`, for a while. */
  stall(from: number, to: number, durationMs: number): void {
    this.block(from, to)
    this.#parts.events.after(durationMs, () => this.unblock(from, to))
  }

  /** Cuts a server off for a while, silently. */
  isolate(id: number, durationMs: number): void {
    for (const other of this.#parts.servers) {
      this.stall(id, other.id, durationMs)
      this.stall(other.id, id, durationMs)
    }
  }

  /** The operating system closes the links of a process that is gone. */
  processEnded({ id }: ZabServer): void {
    for (const other of this.#parts.servers) {
      const link = this.#links.get(pairKey(id, other.id))
      if (link === undefined) continue
      if (this.#ways.isBlocked(id, other.id)) this.#close(link, endOf(link, id))
      else this.#break(link)
    }
  }

  // --- what processes do -------------------------------------------------------------------------

  /** Gives the two a link a little later, if they run and can reach each other. */
  dial(a: number, b: number): void {
    this.#parts.events.after(this.#delay(), () => {
      const [one, two] =
        a < b ? [this.#process(a), this.#process(b)] : [this.#process(b), this.#process(a)]
      if (one === undefined || two === undefined || a === b) return
      const key = pairKey(a, b)
      if (this.#cut.has(key) || this.#ways.isBlocked(a, b) || this.#ways.isBlocked(b, a)) return
      const old = this.#links.get(key)
      if (old?.open[0] && old.open[1]) return
      const link = this.#join(one, two)
      this.#links.set(key, link)
      this.#tellOpen(link, 0)
      this.#tellOpen(link, 1)
    })
  }

  /** Delivers something at the other end of the link that `process` has, if the link lasts. */
  send(process: Incarnation, to: ServerId, arrived: (receiver: Incarnation) => void): void {
    const link = process.links.get(to)
    if (link === undefined) return
    const end = link.ends[1] === to ? 0 : 1
    if (!link.open[end]) return
    const receiver = link.processes[1 - end] as Incarnation
    link.pipes[end].send(() => {
      if (!receiver.isAlive || !link.open[1 - end]) return
      receiver.enter(() => {
        if (receiver.links.get(link.ends[end]) === link) arrived(receiver)
      })
    })
  }

  /** A process closes its link: nothing more arrives at it. The other end notices later. */
  close(process: Incarnation, peer: ServerId): void {
    const link = process.links.get(peer)
    if (link !== undefined) this.#close(link, endOf(link, process.server.id))
  }

  // --- links -------------------------------------------------------------------------------------

  #join(one: Incarnation, two: Incarnation): Link {
    const pipe = (from: Incarnation, to: Incarnation): Pipe =>
      new Pipe({
        queue: this.#parts.events,
        isBlocked: () => this.#ways.isBlocked(from.server.id, to.server.id),
        delayMs: () => this.#delay(),
      })
    return {
      ends: [one.server.id, two.server.id],
      processes: [one, two],
      open: [true, true],
      pipes: [pipe(one, two), pipe(two, one)],
    }
  }

  /** One end of a new link. It may still consider the old one open. */
  #tellOpen(link: Link, end: End): void {
    const process = link.processes[end]
    const other = link.processes[1 - end] as Incarnation
    const peer = other.server.id
    process.enter(() => {
      this.#parts.meeting(process, peer)
      const old = process.links.get(peer)
      if (old !== undefined) {
        this.#parts.cover('half-open link replaced')
        this.#tellClosed(old, end)
      }
      process.links.set(peer, link)
      this.#parts.connected(process, peer, other)
    })
  }

  /** The process at that end learns that its link is closed, if it has not yet. */
  #tellClosed(link: Link, end: End): void {
    const process = link.processes[end]
    const peer = link.ends[1 - end] as ServerId
    link.open[end] = false
    if (process.links.get(peer) !== link) return
    process.links.delete(peer)
    this.#parts.disconnected(process, peer)
  }

  /** Both ends learn of the closing, each in its own time; what was in flight is lost. */
  #break(link: Link | undefined): void {
    if (link === undefined) return
    for (const end of [0, 1] as const) {
      if (!link.open[end]) continue
      link.open[end] = false
      this.#parts.events.after(0, () => this.#noticeClosed(link, end))
      this.#tellOther(link, end)
    }
  }

  #close(link: Link, end: End): void {
    link.processes[end].links.delete(link.ends[1 - end] as ServerId)
    if (!link.open[end]) return
    link.open[end] = false
    this.#tellOther(link, end)
  }

  #tellOther(link: Link, end: End): void {
    const { events, random, halfOpenMs } = this.#parts
    const [self, peer] = end === 0 ? link.ends : [link.ends[1], link.ends[0]]
    const told = (): void => this.#noticeClosed(link, end === 0 ? 1 : 0)
    // A closing may stay unnoticed for long: the peer considers the link open.
    if (halfOpenMs > 0 && random.chance(0.2)) {
      events.after(random.next() * halfOpenMs, told)
      this.dial(self, peer)
    } else if (this.#ways.isBlocked(self, peer)) link.pipes[end].send(told)
    else events.after(this.#delay(), told)
  }

  /** The closing has arrived; what arrived before it is still read first. */
  #noticeClosed(link: Link, end: End): void {
    link.open[end] = false
    const [a, b] = link.ends
    const key = pairKey(a, b)
    if (!link.open[0] && !link.open[1] && this.#links.get(key) === link) {
      this.#links.delete(key)
      this.dial(a, b)
    }
    const process = link.processes[end]
    if (process.isAlive) process.enter(() => this.#tellClosed(link, end))
  }

  #process(id: number): Incarnation | undefined {
    return this.#parts.servers[id - 1]?.running
  }

  #delay(): number {
    const { random, delayMs } = this.#parts
    return within(delayMs, random)
  }
}

function endOf({ ends }: Link, id: number): End {
  return ends[0] === id ? 0 : 1
}

function pairKey(a: number, b: number): string {
  return a < b ? `${a}-${b}` : `${b}-${a}`
}
