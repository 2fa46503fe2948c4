// Threads that read a tree's LevelDB for the main one: to make strings of a million entries, and
// bytes of these, takes a second. One thread for each reader; tree-reader-thread.ts is its program.
//
//   main    ── next ──▶  thread      a few pieces ahead of the reader
//           ◀─ piece ──
//           ◀─ end ────              after the last piece
//           ── stop ──▶              at any time: the thread closes the database, and ends

import { on, once } from 'node:events'
import { extname } from 'node:path'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'

export type Request = 'next' | 'stop'
export type Answer = Uint8Array | 'end'

export interface ThreadData {
  readonly directory: string
  readonly port: MessagePort
}

/** Pieces that are read before they are wanted. */
const piecesAhead = 4

const program = new URL(`./tree-reader-thread${extname(import.meta.url)}`, import.meta.url)

export class TreeReaderThreads {
  readonly #directory: string
  readonly #running = new Set<ReaderThread>()

  /** @param directory of a database that is open in this thread while another one reads it */
  constructor(directory: string) {
    this.#directory = directory
  }

  /** The contents in key order; later writes are not visible. */
  async *pieces(): AsyncGenerator<Uint8Array> {
    const thread = new ReaderThread(this.#directory)
    this.#running.add(thread)
    try {
      yield* thread.pieces()
    } finally {
      this.#running.delete(thread)
    }
  }

  /** Ends what is being read: its reader gets an error. */
  async close(): Promise<void> {
    // A thread that failed has told its reader.
    await Promise.allSettled([...this.#running].map((thread) => thread.stop()))
  }
}

class ReaderThread {
  readonly #port: MessagePort
  readonly #ended: Promise<unknown>

  constructor(directory: string) {
    const { port1, port2 } = new MessageChannel()
    const workerData: ThreadData = { directory, port: port2 }
    this.#port = port1
    this.#ended = once(new Worker(program, { workerData, transferList: [port2] }), 'exit')
    // Its error is thrown to the reader, who may wait for it later.
    this.#ended.catch(() => undefined)
  }

  async *pieces(): AsyncGenerator<Uint8Array> {
    const answers = on(this.#port, 'message', { close: ['close'] })
    for (let i = 0; i < piecesAhead; i++) this.#send('next')
    try {
      for await (const [answer] of answers as AsyncIterable<[Answer]>) {
        if (answer === 'end') return
        this.#send('next')
        yield answer
      }
      throw new Error('The tree was closed while it was read')
    } finally {
      await this.stop()
    }
  }

  /** @throws what the thread failed with */
  async stop(): Promise<void> {
    this.#send('stop')
    await this.#ended
  }

  #send(request: Request): void {
    this.#port.postMessage(request)
  }
}
