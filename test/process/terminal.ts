// A terminal for the acceptance tests: a program in a tmux session of its own, with its keys and
// its screen.

import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Test } from 'tap'
import { program } from '../programs.ts'
import { until } from './world.ts'

const hasTmux = spawnSync('tmux', ['-V']).status === 0
export const skip = hasTmux ? false : 'tmux is not installed'
/** `zw` */
export const cli = [process.execPath, program('cli')]

/** Independent of the settings of the user who runs the tests. */
const clean = 'env -u NO_COLOR -u FORCE_COLOR -u LC_ALL -u LC_CTYPE LANG=C.UTF-8 TERM=tmux-256color'

/** A program that runs in a terminal of its own. */
export class Terminal {
  readonly #socket = `zw-test-${process.pid}-${Math.floor(Math.random() * 1e9)}`

  constructor(
    t: Test,
    command: readonly string[],
    { columns = 80, rows = 24, environment = '' } = {},
  ) {
    const quoted = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
    const size = ['-x', String(columns), '-y', String(rows)]
    // The shell outlives the program, to show the screen that the program left.
    const line = `${clean} ${environment} ${quoted}; echo "exit code $?"; exec cat`
    this.#tmux('-f', '/dev/null', 'new-session', '-d', ...size, line)
    t.teardown(() => {
      this.#tmux('kill-server')
    })
  }

  #tmux(...args: readonly string[]): string {
    return execFileSync('tmux', ['-L', this.#socket, ...args], { encoding: 'utf8' })
  }

  /** Process id of the program, a child of the shell. */
  programPid(): number {
    const shell = this.#tmux('list-panes', '-F', '#{pane_pid}').trim()
    return Number(readFileSync(`/proc/${shell}/task/${shell}/children`, 'utf8').trim())
  }

  press(...keys: readonly string[]): void {
    this.#tmux('send-keys', ...keys)
  }

  /** As a terminal does that marks what is pasted, if the program asked for it. */
  paste(text: string): void {
    this.#tmux('set-buffer', '--', text)
    this.#tmux('paste-buffer', '-p')
  }

  /** A press of the left button, as a terminal tells it (xterm's mouse mode 1000). */
  click(x: number, y: number): void {
    this.#tmux('send-keys', '-l', `\x1b[M ${String.fromCharCode(33 + x, 33 + y)}`)
  }

  /** Whether the program in the terminal has asked for the mouse. */
  hasMouse(): boolean {
    return this.#tmux('display-message', '-p', '#{mouse_any_flag}').trim() === '1'
  }

  resize(columns: number, rows: number): void {
    this.#tmux('resize-window', '-x', String(columns), '-y', String(rows))
  }

  lines(): string[] {
    return this.#tmux('capture-pane', '-p').split('\n')
  }

  /** The screen with colours, as escape sequences. */
  coloured(): string {
    return this.#tmux('capture-pane', '-p', '-e')
  }

  /** Waits until the screen matches. @returns the whole screen */
  async sees(like: RegExp): Promise<string> {
    try {
      return await until(`the screen shows ${like}`, () => {
        const text = this.lines().join('\n')
        return like.test(text) ? text : undefined
      })
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${this.lines().join('\n')}`)
    }
  }
}

/** Minutes of the goals on the screen, from top to bottom; 45.02 for 45+2. */
export function minutesOn(text: string): number[] {
  return [...text.matchAll(/[│|] *(\d+)(?:\+(\d+))?' /g)].map(
    ([, minute, added]) => Number(minute) + Number(added ?? 0) / 100,
  )
}

/** The number of goals in the header. */
export function countOn(text: string): number {
  return Number(/ (\d+) goals/.exec(text)?.[1])
}
