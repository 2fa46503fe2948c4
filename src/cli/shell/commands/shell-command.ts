// The interface of a shell command, and the shell as commands see it.

import type { Watcher, ZkClient } from '../../../client/zk/zk-client.ts'
import { nearMatches } from '../../../near-matches.ts'
import type { Content } from '../../output.ts'
import { type OptionSpec, type ParsedWords, UsageError } from '../parse-line.ts'

export interface ShellCommand {
  readonly name: string
  /** alternative names */
  readonly aliases?: readonly string[]
  /** whether it concerns the shell itself, and runs without a session */
  readonly isLocal?: true
  /** what follows the name: `[-s] [-w] path` */
  readonly usage: string
  /** one sentence for `help` */
  readonly about: string
  /** `raw`: the command reads all words itself */
  readonly options: OptionSpec | 'raw'
  /** number of words besides options */
  readonly words: { readonly min: number; readonly max: number }
  run(shell: ShellContext, words: ParsedWords): Promise<void> | void
}

export interface HistoryEntry {
  readonly line: string
  /** the line without its passwords */
  readonly shown: string
}

export function usageOf({ name, usage }: ShellCommand): string {
  return usage === '' ? name : `${name} ${usage}`
}

/** @throws UsageError with the nearest commands */
export function commandNamed(commands: readonly ShellCommand[], name: string): ShellCommand {
  const found = commands.find((each) => each.name === name || each.aliases?.includes(name) === true)
  if (found !== undefined) return found
  const near = nearMatches(
    name,
    commands.map((each) => each.name),
  )
  const hint = near.length === 0 ? 'help lists all commands' : `did you mean ${near.join(' or ')}?`
  throw new UsageError(`Command not found: ${name}; ${hint}`)
}

/** The shell, as its commands see it. */
export interface ShellContext {
  /** @throws Error without a session */
  readonly zk: ZkClient
  /** '' or the prefix of all paths */
  readonly chroot: string
  /** prints each event */
  readonly watcher: Watcher
  readonly commands: readonly ShellCommand[]
  /** all lines run so far, including this one */
  readonly history: readonly HistoryEntry[]
  printWatches: boolean
  /** Writes to standard output, followed by a line feed. */
  print(content: Content): void
  /** Writes a note about the output to standard error. */
  note(text: string): void
  /** Runs a line as if typed, without adding it to the history. */
  run(line: string): Promise<void>
  /** Starts another session, at the same servers if none are given, and ends the current one. */
  connect(servers: string | undefined): Promise<void>
  disconnect(): Promise<void>
  quit(): void
}

/** A whole number given as an option; -1, any version, if it is missing. */
export function versionOf(words: ParsedWords): number {
  const text = words.values.get('v')
  if (text === undefined) return -1
  if (!/^-?\d{1,10}$/.test(text))
    throw new UsageError(`Cannot use version '${text}': it must be a whole number`)
  return Number(text)
}

/** The word at `index`, which the command's `words.min` guarantees. */
export function wordAt(words: ParsedWords, index: number): string {
  return words.rest[index] ?? ''
}
