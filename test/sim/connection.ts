// One connection of the simulated network: two links, and the bytes in flight between them.

import type { SimLink } from './link.ts'
import type { Network } from './network.ts'
import { Pipe } from './pipe.ts'
import type { SimProcess } from './process.ts'
import { within } from './range.ts'

/** 0 is the dialling end. */
export type Side = 0 | 1

export class Connection {
  readonly #network: Network
  readonly #hosts: readonly [string, string]
  readonly #ends: [SimLink, SimLink | undefined]
  /** what each end sends */
  readonly #pipes: readonly [Pipe, Pipe]
  /** what arrived before the other end was accepted, as its process stands still */
  readonly #early: ((peer: SimLink) => void)[] = []
  /** broken: nothing more gets through */
  #isReset = false

  constructor(network: Network, hosts: readonly [string, string], dialled: SimLink) {
    this.#network = network
    this.#hosts = hosts
    this.#ends = [dialled, undefined]
    const [one, two] = hosts
    this.#pipes = [this.#pipe(one, two), this.#pipe(two, one)]
    network.add(this)
  }

  joins(a: string, b: string): boolean {
    const [one, two] = this.#hosts
    return (one === a && two === b) || (one === b && two === a)
  }

  accepted(link: SimLink): void {
    this.#ends[1] = link
    for (const arrive of this.#early.splice(0)) arrive(link)
    if (this.#isReset) this.#break(link)
  }

  /** Sends the first event to the end that does not exist yet. */
  knock(arrive: () => void): void {
    this.#pipes[0].send(() => {
      if (!this.#isReset) arrive()
    })
  }

  /** Queued after everything sent this way before. */
  transmit(from: Side, arrive: (peer: SimLink) => void): void {
    this.#pipes[from].send(() => {
      const peer = this.#ends[from === 0 ? 1 : 0]
      if (this.#isReset) return
      if (peer === undefined) this.#early.push(arrive)
      else arrive(peer)
    })
  }

  #pipe(from: string, to: string): Pipe {
    const network = this.#network
    return new Pipe({
      queue: network.queue,
      isBlocked: () => network.isBlocked(from, to),
      delayMs: () => network.delayOf(from, to),
    })
  }

  release(from: string): void {
    for (const side of [0, 1] as const) {
      if (this.#hosts[side] !== from) continue
      if (this.#network.isBlocked(from, this.#hosts[side === 0 ? 1 : 0])) continue
      this.#pipes[side].release()
    }
  }

  forge(from: string, bytes: Buffer): void {
    const side = this.#hosts[0] === from ? 0 : 1
    // Before both hellos, and the proofs before them, only these are read.
    const { greetingCount } = this.#network
    const isGreeted = this.#ends.every((end) => (end?.sentCount ?? 0) >= greetingCount)
    // A link may write over what it has read.
    if (isGreeted) this.transmit(side, (peer) => peer.bytes(Buffer.from(bytes)))
  }

  reset(): void {
    if (this.#isReset) return
    this.#isReset = true
    for (const end of this.#ends) if (end !== undefined) this.#break(end)
    this.#network.remove(this)
  }

  #break(end: SimLink): void {
    const { queue, random, delayMs } = this.#network
    queue.after(within(delayMs, random), () => end.broken())
  }

  processEnded(process: SimProcess, silent: boolean): void {
    for (const side of [0, 1] as const) {
      if (this.#ends[side]?.process !== process || silent) continue
      this.transmit(side, (peer) => peer.broken())
    }
  }

  hostIsBack(host: string): void {
    for (const side of [0, 1] as const) {
      const end = this.#ends[side]
      if (this.#hosts[side] === host && end?.process.alive === false) this.reset()
    }
  }

  ended(): void {
    const [one, two] = this.#ends
    if (one.isDone && two?.isDone !== false) this.#network.remove(this)
  }
}
