// Writes partitions' states for their leaders. What is wanted in one turn shares multis: when a broker
// dies, every other broker takes it out of the ISRs of thousands of partitions at once.
//
// Each state is conditional on its version. If one of a multi has changed, nothing is written, and
// each is written alone.

import { ZkMultiError } from '../../client/zk/errors.ts'
import type { MultiOp } from '../../protocol/zk/messages.ts'
import type { Turn } from '../../turn.ts'
import type { PartitionPlace } from '../cluster/image-changes.ts'
import type { ZkAccess } from '../cluster/zk-access.ts'
import { encodeState, zkPaths } from '../cluster/zk-paths.ts'
import type { PartitionState } from '../partition/partition-state.ts'

/** States that share a multi: some 50 KB, and as many are written alone if one of them has changed. */
export const statesPerMulti = 100

interface Write {
  readonly place: PartitionPlace
  readonly state: PartitionState
  readonly written: (version: number) => void
  readonly failed: (error: unknown) => void
}

export class StateWrites {
  readonly #zk: ZkAccess
  readonly #turn: Turn
  #wanted: Write[] = []
  readonly #seal = () => this.#writeAll()

  constructor(zk: ZkAccess, turn: Turn) {
    this.#zk = zk
    this.#turn = turn
  }

  /**
   * Writes the state if the znode still has `state.version`.
   *
   * @returns the znode's version afterwards
   * @throws ZkError; the outcome may be unknown
   */
  write(place: PartitionPlace, state: PartitionState): Promise<number> {
    return new Promise((written, failed) => {
      this.#wanted.push({ place, state, written, failed })
      this.#turn.seal(this.#seal)
    })
  }

  #writeAll(): void {
    const wanted = this.#wanted
    this.#wanted = []
    for (let at = 0; at < wanted.length; at += statesPerMulti) {
      void this.#writeSome(wanted.slice(at, at + statesPerMulti))
    }
  }

  async #writeSome(writes: readonly Write[]): Promise<void> {
    const [first, ...others] = writes
    if (first === undefined) return
    if (others.length === 0) return this.#writeOne(first)
    try {
      await this.#zk.multi(writes.map(opOf))
      for (const { state, written } of writes) written(state.version + 1)
    } catch (error) {
      if (error instanceof ZkMultiError) for (const each of writes) void this.#writeOne(each)
      else for (const { failed } of writes) failed(error)
    }
  }

  async #writeOne({ place, state, written, failed }: Write): Promise<void> {
    const path = zkPaths.state(place.topic, place.partition)
    try {
      const { version } = await this.#zk.setData(path, encodeState(state), state.version)
      written(version)
    } catch (error) {
      failed(error)
    }
  }
}

function opOf({ place, state }: Write): MultiOp {
  const path = zkPaths.state(place.topic, place.partition)
  return { type: 'setData', path, data: Buffer.from(encodeState(state)), version: state.version }
}
