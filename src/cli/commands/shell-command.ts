// What a command of the shell is, and what it may use.

import type { Watcher, ZkClient } from '../../client/zk-client.ts'
import { type OptionSpec, type ParsedWords, UsageError } from '../parse-line.ts'

export interface ShellCommand {
  readonly name: string
  /** what follows the name: `[-s] [-w] path` */
  readonly usage: string
  /** one sentence for `help` */
  readonly about: string
  /** `raw`: the command reads all words itself */
  readonly options: OptionSpec | 'raw'
  /** how many words it takes beside options */
  readonly words: { readonly min: number; readonly max: number }
  run(shell: ShellContext, words: ParsedWords): Promise<void> | void
}

/** The shell, as its commands see it. */
export interface ShellContext {
  /** @throws UsageError when there is no connection, not even one being made */
  readonly zk: ZkClient
  /** '' or the path that all paths are below */
  readonly chroot: string
  /** prints each event */
  readonly watcher: Watcher
  readonly commands: readonly ShellCommand[]
  /** all lines run so far, this one included */
  readonly history: readonly string[]
  printWatches: boolean
  print(text: string): void
  /** Runs a line as if it had been typed, without another entry in the history. */
  run(line: string): Promise<void>
  /** Leaves the present session, if any, for another one; without servers to the same as before. */
  connect(servers: string | undefined): Promise<void>
  disconnect(): Promise<void>
  quit(): void
}

/** A whole number given as an option; -1, any version, without it. */
export function versionOf(words: ParsedWords): number {
  const text = words.values.get('v')
  if (text === undefined) return -1
  if (!/^-?\d{1,10}$/.test(text)) throw new UsageError(`Cannot read version '${text}': no number`)
  return Number(text)
}

/** The word at `index`, which the command's `words.min` promises. */
export function wordAt(words: ParsedWords, index: number): string {
  return words.rest[index] ?? ''
}
