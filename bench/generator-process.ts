// A generator as its parent sees it: a child process that takes and sends messages, and whose failure
// fails the measurement.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

export type ToGenerator<Load> =
  | ({ readonly type: 'start' } & Load)
  | { readonly type: 'begin' }
  | { readonly type: 'end' }

/** What every generator may say besides its own messages. */
interface Failed {
  readonly type: 'failed'
  readonly message: string
}

export type FromGenerator<Result> =
  | { readonly type: 'ready' }
  | Failed
  | ({ readonly type: 'result' } & Result)

export class GeneratorProcess<
  To extends { readonly type: string },
  From extends { readonly type: string },
> {
  readonly #child: ChildProcess
  /** Rejects when it fails; never resolves. */
  readonly broken: Promise<never>

  constructor(program: string, first: To) {
    // Not those of this process: a test's load tap, which sends messages of its own.
    const execArgv = ['--import=tsx']
    this.#child = fork(program, { execArgv, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.broken = new Promise((_, reject) => {
      this.#child.on('message', (message: From | Failed) => {
        if (isFailure(message)) reject(new Error(`A generator failed: ${message.message}`))
      })
      this.#child.on('exit', (code) => {
        if (code !== 0) reject(new Error(`A generator exited with code ${code}`))
      })
    })
    this.broken.catch(() => undefined)
    this.tell(first)
  }

  tell(message: To): void {
    this.#child.send(message)
  }

  async next<Type extends From['type']>(type: Type): Promise<Extract<From, { type: Type }>> {
    const [message] = await Promise.race([once(this.#child, 'message'), this.broken])
    if (message.type !== type) throw new Error(`Wanted '${type}', found '${message.type}'`)
    return message
  }

  kill(): void {
    if (this.#child.exitCode === null) this.#child.kill('SIGKILL')
  }
}

function isFailure(message: { readonly type: string }): message is Failed {
  return message.type === 'failed'
}
