// A client of an ensemble whose servers are restarted: what it notices of that.

import type { Test } from 'tap'
import type { Member } from '../../src/cli/cluster/cluster.ts'
import type { ZkClient } from '../../src/client/zk/zk-client.ts'
import { ZkError } from '../../src/protocol/error-codes.ts'
import { connectTo, until } from './world.ts'

/** One client that writes all the time, one write after the other. */
export class Writer {
  readonly #zk: ZkClient
  readonly #path: string
  #isOver = false
  /** writes that were answered */
  count = 0
  /** longest time between two answers, in ms */
  longestMs = 0
  lostConnections = 0
  readonly failures: string[] = []
  readonly over: Promise<void>

  constructor(zk: ZkClient, path: string) {
    this.#zk = zk
    this.#path = path
    zk.on('suspended', () => this.lostConnections++)
    this.over = this.#write()
  }

  async #write(): Promise<void> {
    let answeredMs = performance.now()
    while (!this.#isOver) {
      try {
        await this.#zk.setData(this.#path, `${this.count}`)
        this.count++
        const nowMs = performance.now()
        this.longestMs = Math.max(this.longestMs, nowMs - answeredMs)
        answeredMs = nowMs
      } catch (error) {
        this.failures.push(error instanceof ZkError ? error.code : String(error))
      }
    }
  }

  /** Waits until it has written again, many times. */
  async goesOn(): Promise<void> {
    const before = this.count
    await until('writes go on', () => (this.count > before + 20 ? true : undefined))
  }

  async end(): Promise<void> {
    this.#isOver = true
    await this.over
  }
}

export async function writerAt(t: Test, ...servers: readonly Member[]): Promise<Writer> {
  const zk = await connectTo(t, ...servers)
  const { path } = await zk.create('/writer-', '', { mode: 'persistentSequential' })
  return new Writer(zk, path)
}
