// A conversation with a program through its standard input and output.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Test } from 'tap'
import { until } from '../process/world.ts'

export class Conversation {
  readonly #process: ChildProcessWithoutNullStreams
  readonly #closed: Promise<number | null>
  /** Both of its outputs, as they came. */
  said = ''
  #heard = 0

  constructor(t: Test, program: string, args: readonly string[]) {
    this.#process = spawn(program, args)
    this.#process.stdin.on('error', () => undefined)
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        this.said += text
      })
    }
    this.#closed = once(this.#process, 'close').then(([code]) => code as number | null)
    t.teardown(async () => {
      if (!t.passing()) for (const line of this.said.split('\n').slice(-80)) t.comment(line)
      this.#process.kill('SIGKILL')
      await this.#closed
    })
  }

  say(...lines: readonly string[]): void {
    for (const line of lines) this.#process.stdin.write(`${line}\n`)
  }

  /** Until it says this, after what was waited for before. */
  async hears(pattern: RegExp): Promise<RegExpExecArray> {
    return until(`the program says ${pattern}`, () => {
      const found = pattern.exec(this.said.slice(this.#heard))
      if (found === null) return undefined
      this.#heard += found.index + found[0].length
      return found
    })
  }

  /** @returns its exit code */
  closed(): Promise<number | null> {
    return this.#closed
  }
}
