// The simulator's network: connections that carry bytes in order, late, in pieces, and may break. What
// is on its way when one breaks is lost, each direction for itself; each end hears of it in its own
// time, or, when the other machine lost its power, not before that is back. A blocked direction holds
// back bytes as well as the news of an end, until it is opened.
//
//   SimTransport ── SimLink ── Connection ── SimLink ── SimTransport      what a process has, and what joins two
//                                  │
//                               Network                                  what goes wrong between hosts

import type { Address } from '../../src/address.ts'
import type { ProtocolError } from '../../src/protocol/error-codes.ts'
import type { Link, LinkListener, LinkOptions } from '../../src/protocol/transport/transport.ts'
import type { Random } from '../../src/random.ts'
import type { Connection } from './connection.ts'
import type { EventQueue } from './event-queue.ts'
import { Ways } from './pipe.ts'
import type { SimProcess } from './process.ts'
import { type Range, within } from './range.ts'
import type { SimTransport } from './transport.ts'

interface OpenPort {
  readonly transport: SimTransport
  readonly options: LinkOptions
  readonly accept: (link: Link) => LinkListener | undefined
}

export class Network {
  readonly queue: EventQueue
  readonly random: Random
  /** [least, most] ms on the way */
  delayMs: Range = [0.1, 2]
  /** A link is congested while more than this is on its way. */
  windowBytes = 64 * 1024
  /** Somebody does not understand what came: nobody here sends such things on purpose. */
  onViolation: (error: ProtocolError) => void = () => undefined
  /** Whose accepted links overwrite what they have handed out: a frame's bytes may be reused after the call. */
  reusesBuffersOf: (host: string) => boolean = () => false
  readonly #ports = new Map<string, OpenPort>()
  readonly #connections = new Set<Connection>()
  readonly #ways = new Ways<string>()
  /** ms that a way takes longer */
  readonly #slow = new Map<string, number>()

  constructor(queue: EventQueue, random: Random) {
    this.queue = queue
    this.random = random
  }

  open(where: string, port: OpenPort): void {
    this.#ports.set(where, port)
  }

  close(where: string): void {
    this.#ports.delete(where)
  }

  portAt({ host, port }: Address): OpenPort | undefined {
    return this.#ports.get(`${host}:${port}`)
  }

  add(connection: Connection): void {
    this.#connections.add(connection)
  }

  remove(connection: Connection): void {
    this.#connections.delete(connection)
  }

  isBlocked(from: string, to: string): boolean {
    return this.#ways.isBlocked(from, to)
  }

  block(from: string, to: string): void {
    this.#ways.block(from, to)
  }

  /** What was held back comes late, unless the connection was given up meanwhile. */
  unblock(from: string, to: string): void {
    if (!this.#ways.open(from, to)) return
    for (const connection of [...this.#connections]) {
      if (connection.joins(from, to) && this.random.chance(0.5)) connection.reset()
      else connection.release(from)
    }
  }

  /** What goes from one to the other takes so much longer, until `unblockAll`. */
  slow(from: string, to: string, extraMs: number): void {
    this.#slow.set(`${from}>${to}`, extraMs)
  }

  /** Bytes that nobody sent, behind all that is under way between the two. */
  forge(from: string, to: string, bytes: Buffer): void {
    for (const connection of [...this.#connections]) {
      if (connection.joins(from, to)) connection.forge(from, bytes)
    }
  }

  delayOf(from: string, to: string): number {
    return within(this.delayMs, this.random) + (this.#slow.get(`${from}>${to}`) ?? 0)
  }

  unblockAll(): void {
    this.#slow.clear()
    for (const [from, to] of this.#ways.blocked) this.unblock(from, to)
  }

  /** Breaks what connects the two. */
  reset(a: string, b: string): void {
    for (const connection of [...this.#connections]) {
      if (connection.joins(a, b)) connection.reset()
    }
  }

  /** `silent`: nobody closes its connections for it. */
  processEnded(process: SimProcess, { silent }: { readonly silent: boolean }): void {
    for (const [where, { transport }] of [...this.#ports]) {
      if (transport.process === process) this.#ports.delete(where)
    }
    for (const connection of [...this.#connections]) connection.processEnded(process, silent)
  }

  /** A machine answers again: what others still send to its former processes is refused. */
  hostIsBack(host: string): void {
    for (const connection of [...this.#connections]) connection.hostIsBack(host)
  }
}
