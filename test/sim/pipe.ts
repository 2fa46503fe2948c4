// The parts of all worlds' networks: ways between hosts, each of which may be blocked
// independently, and pipes along them, which carry items in order and hold them back while their
// way is blocked.

import type { EventQueue } from './event-queue.ts'

/** The blocked ways, each direction independently. */
export class Ways<Host extends string | number> {
  readonly #blocked = new Map<string, readonly [from: Host, to: Host]>()

  isBlocked(from: Host, to: Host): boolean {
    return this.#blocked.has(`${from}>${to}`)
  }

  /** @returns whether it was open, and leads anywhere */
  block(from: Host, to: Host): boolean {
    if (from === to || this.isBlocked(from, to)) return false
    this.#blocked.set(`${from}>${to}`, [from, to])
    return true
  }

  /** @returns whether it was blocked */
  open(from: Host, to: Host): boolean {
    return this.#blocked.delete(`${from}>${to}`)
  }

  /** In the order of their names. */
  get blocked(): readonly (readonly [from: Host, to: Host])[] {
    return [...this.#blocked].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, way]) => way)
  }
}

export interface PipeParts {
  readonly queue: EventQueue
  readonly isBlocked: () => boolean
  /** latency of what is sent now, at least that of what was sent before */
  readonly delayMs: () => number
}

/** One direction of one connection: first in, first out. */
export class Pipe {
  readonly #parts: PipeParts
  #busyUntilMs = 0
  readonly #held: (() => void)[] = []

  constructor(parts: PipeParts) {
    this.#parts = parts
  }

  send(arrive: () => void): void {
    const { queue, isBlocked, delayMs } = this.#parts
    if (isBlocked()) {
      this.#held.push(arrive)
      return
    }
    const atMs = Math.max(queue.nowMs + delayMs(), this.#busyUntilMs)
    this.#busyUntilMs = atMs
    queue.at(atMs, arrive)
  }

  /** Sends what was held back. */
  release(): void {
    for (const arrive of this.#held.splice(0)) this.send(arrive)
  }
}
