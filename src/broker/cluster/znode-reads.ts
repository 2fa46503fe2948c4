// Reads partitions' states and replicas' reports. Those that are asked for in one turn share requests:
// a broker that dies, or a topic that is made, changes thousands of them at once.
//
// The answers arrive in the order in which a session's requests were sent, as for any other read.

import { asBuffer } from '../../as-buffer.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import type { Stat } from '../../protocol/records.ts'
import type { Turn } from '../../turn.ts'
import type { ZkAccess } from './zk-access.ts'

/** Their answers together take some 50 KB. */
const znodesPerRead = 100

export interface FoundData {
  readonly data: Buffer | null
  readonly stat: Stat
}

interface Read {
  readonly path: string
  readonly found: (data: FoundData | undefined) => void
  readonly failed: (error: unknown) => void
}

interface ZnodeReadsOptions {
  readonly zk: Pick<ZkAccess, 'multiRead'>
  readonly turn: Turn
  /** Reads one znode; undefined if there is none. */
  readonly readOne: (path: string) => Promise<FoundData | undefined>
}

export class ZnodeReads {
  readonly #options: ZnodeReadsOptions
  #wanted: Read[] = []
  readonly #seal = () => this.#readAll()

  constructor(options: ZnodeReadsOptions) {
    this.#options = options
  }

  /** @returns undefined if there is no such znode */
  read(path: string): Promise<FoundData | undefined> {
    return new Promise((found, failed) => {
      this.#wanted.push({ path, found, failed })
      this.#options.turn.seal(this.#seal)
    })
  }

  #readAll(): void {
    const wanted = this.#wanted
    this.#wanted = []
    for (let at = 0; at < wanted.length; at += znodesPerRead) {
      void this.#readSome(wanted.slice(at, at + znodesPerRead))
    }
  }

  async #readSome(reads: readonly Read[]): Promise<void> {
    const [first, ...others] = reads
    if (first !== undefined && others.length === 0) return this.#readOne(first)
    try {
      const results = await this.#options.zk.multiRead(
        reads.map(({ path }) => ({ type: 'getData', path }) as const),
      )
      for (const [i, read] of reads.entries()) {
        const result = results[i]
        if (result?.type === 'getData') {
          const { data, stat } = result
          read.found({ data: data === null ? null : asBuffer(data), stat })
        } else if (result?.type === 'error' && result.code === errorCodes.NONODE) {
          read.found(undefined)
        } else void this.#readOne(read) // too much for one answer
      }
    } catch (error) {
      for (const { failed } of reads) failed(error)
    }
  }

  async #readOne({ path, found, failed }: Read): Promise<void> {
    try {
      found(await this.#options.readOne(path))
    } catch (error) {
      failed(error)
    }
  }
}
