// What a command of the shell is, and what it may use.

import type { Watcher, ZkClient } from '../../../client/zk/zk-client.ts'
import { nearMatches } from '../../../near-matches.ts'
import type { Content } from '../../output.ts'
import { type OptionSpec, type ParsedWords, UsageError } from '../parse-line.ts'

export interface ShellCommand {
  readonly name: string
  /** other names for it */
  readonly aliases?: readonly string[]
  /** it is about the shell itself, and runs without a session */
  readonly isLocal?: true
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

export interface HistoryEntry {
  readonly line: string
  /** the line without its passwords */
  readonly shown: string
}

export function usageOf({ name, usage }: ShellCommand): string {
  return usage === '' ? name : `${name} ${usage}`
}

/** @throws UsageError that names the nearest commands */
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
  /** @throws Error when there is no session */
  readonly zk: ZkClient
  /** '' or the path that all paths are below */
  readonly chroot: string
  /** prints each event */
  readonly watcher: Watcher
  readonly commands: readonly ShellCommand[]
  /** all lines run so far, this one included */
  readonly history: readonly HistoryEntry[]
  printWatches: boolean
  /** Writes to standard output, with a line feed after it. */
  print(content: Content): void
  /** Writes a remark about what was printed to standard error. */
  note(text: string): void
  /** Runs a line as if it had been typed, without another entry in the history. */
  run(line: string): Promise<void>
  /** Begins another session, at the same servers when none are given, and ends the present one. */
  connect(servers: string | undefined): Promise<void>
  disconnect(): Promise<void>
  quit(): void
}

/** A whole number given as an option; -1, any version, without it. */
export function versionOf(words: ParsedWords): number {
  const text = words.values.get('v')
  if (text === undefined) return -1
  if (!/^-?\d{1,10}$/.test(text))
    throw new UsageError(`Cannot use version '${text}': it must be a whole number`)
  return Number(text)
}

/** The word at `index`, which the command's `words.min` promises. */
export function wordAt(words: ParsedWords, index: number): string {
  return words.rest[index] ?? ''
}
