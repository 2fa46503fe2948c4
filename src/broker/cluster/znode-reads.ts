// Reads znodes for the cluster image. Partitions' states and replicas' reports that are asked for in one
// turn share requests: a broker that dies, or a topic that is made, changes thousands of them at once.
//
// What was found is handed out in the order in which the requests were sent, whatever their kind: an
// older answer after a newer one would make the image old for good.

import { asBuffer } from '../../as-buffer.ts'
import { errorCodes, ZkError } from '../../protocol/error-codes.ts'
import type { Stat } from '../../protocol/records.ts'
import type { ReadResult } from '../../protocol/zk/messages.ts'
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

type Answer =
  | { readonly type: 'found'; readonly data: FoundData | undefined }
  | { readonly type: 'failed'; readonly error: unknown }

interface ZnodeReadsOptions {
  readonly zk: Pick<ZkAccess, 'multiRead' | 'getData'>
  readonly turn: Turn
}

export class ZnodeReads {
  readonly #options: ZnodeReadsOptions
  #wanted: Read[] = []
  /** everything before the request that is sent next has been handed out */
  #handedOut: Promise<void> = Promise.resolve()
  readonly #seal = () => this.#readAll()

  constructor(options: ZnodeReadsOptions) {
    this.#options = options
  }

  /** Sends the request now. @returns undefined if there is no such znode */
  readNow(path: string): Promise<FoundData | undefined> {
    return new Promise((found, failed) => this.#send([{ path, found, failed }]))
  }

  /** The same, with the others of this turn. */
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
      this.#send(wanted.slice(at, at + znodesPerRead))
    }
  }

  #send(reads: readonly Read[]): void {
    const answers = this.#ask(reads)
    this.#handedOut = this.#handedOut.then(async () => {
      for (const [i, answer] of (await answers).entries()) {
        if (answer.type === 'found') reads[i]?.found(answer.data)
        else reads[i]?.failed(answer.error)
      }
    })
  }

  async #ask(reads: readonly Read[]): Promise<readonly Answer[]> {
    const [first, ...others] = reads
    if (first !== undefined && others.length === 0) return [await this.#askOne(first.path)]
    try {
      const results = await this.#options.zk.multiRead(
        reads.map(({ path }) => ({ type: 'getData', path }) as const),
      )
      return await Promise.all(reads.map(({ path }, i) => this.#answerOf(path, results[i])))
    } catch (error) {
      return reads.map(() => ({ type: 'failed', error }))
    }
  }

  async #answerOf(path: string, result: ReadResult | undefined): Promise<Answer> {
    if (result?.type === 'getData') {
      const { data, stat } = result
      return { type: 'found', data: { data: data === null ? null : asBuffer(data), stat } }
    }
    const isNone = result?.type === 'error' && result.code === errorCodes.NONODE
    return isNone ? { type: 'found', data: undefined } : this.#askOne(path) // too much for one answer
  }

  async #askOne(path: string): Promise<Answer> {
    try {
      return { type: 'found', data: await this.#options.zk.getData(path) }
    } catch (error) {
      const isNone = error instanceof ZkError && error.code === 'NONODE'
      return isNone ? { type: 'found', data: undefined } : { type: 'failed', error }
    }
  }
}
