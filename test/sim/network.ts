// The simulator's network: connections that carry bytes in order, late, in pieces, and may break.
// Bytes in flight are lost when one breaks, in each direction independently; each end learns of it
// in its own time or, if the other machine lost power, only when that machine is back. A blocked
// direction holds back both bytes and closings until it is opened.
//
//   SimTransport ── SimLink ── Connection ── SimLink ── SimTransport      of a process, and between two
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
  /** [least, most] latency in ms */
  delayMs: Range = [0.1, 2]
  /** A link is congested while more than this is in flight. */
  windowBytes = 64 * 1024
  /** What each end of a link between servers sends before its first message: a hello, or also a proof. */
  greetingCount = 1
  /** A process received what it cannot decode: no simulated process sends that on purpose. */
  onViolation: (error: ProtocolError) => void = () => undefined
  readonly #ports = new Map<string, OpenPort>()
  readonly #connections = new Set<Connection>()
  readonly #ways = new Ways<string>()
  /** additional latency of a way in ms */
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

  /** Held-back bytes arrive late, unless the connection was closed meanwhile. */
  unblock(from: string, to: string): void {
    if (!this.#ways.open(from, to)) return
    for (const connection of [...this.#connections]) {
      if (connection.joins(from, to) && this.random.chance(0.5)) connection.reset()
      else connection.release(from)
    }
  }

  /** Adds latency from one host to the other, until `unblockAll`. */
  slow(from: string, to: string, extraMs: number): void {
    this.#slow.set(`${from}>${to}`, extraMs)
  }

  /** Injects bytes that no process sent, after everything in flight between the two. */
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

  /** Breaks the connections between the two. */
  reset(a: string, b: string): void {
    for (const connection of [...this.#connections]) {
      if (connection.joins(a, b)) connection.reset()
    }
  }

  /** `silent`: its connections are not closed for it. */
  processEnded(process: SimProcess, { silent }: { readonly silent: boolean }): void {
    for (const [where, { transport }] of [...this.#ports]) {
      if (transport.process === process) this.#ports.delete(where)
    }
    for (const connection of [...this.#connections]) connection.processEnded(process, silent)
  }

  /** A machine answers again: it refuses what is still sent to its former processes. */
  hostIsBack(host: string): void {
    for (const connection of [...this.#connections]) connection.hostIsBack(host)
  }
}
