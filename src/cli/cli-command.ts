// One subcommand of `zw`, as listed in main.ts, and the value types of its flags.

import type { ArgumentsCamelCase, Argv } from 'yargs'
import type { Address } from '../address.ts'
import { parseServers } from '../client/server-list.ts'
import { ZkError } from '../protocol/error-codes.ts'

/** A subcommand, and its registration with yargs. */
export interface CliCommand {
  readonly name: string
  /** its usage line, for --help and for usage errors */
  readonly usage: string
  /** letters of its options whose value may follow at once, as in `-c5` */
  readonly valued: string
  addTo(cli: Argv): Argv
}

/** The command line is invalid: exit code 2. */
export class BadUsage extends Error {
  override readonly name = 'BadUsage'
}

/**
 * A yargs command whose handler receives the options that its builder declares.
 *
 * @param command.handler sets `process.exitCode`, or throws: its message goes to stderr, exit code
 * 1
 */
export function cliCommand<Options>(command: {
  readonly command: string
  readonly usage: string
  readonly describe: string
  /** Default: that of the servers. */
  readonly valued?: string
  readonly builder: (cli: Argv) => Argv<Options>
  readonly handler: (options: ArgumentsCamelCase<Options>) => Promise<void> | void
}): CliCommand {
  const { command: words, usage, describe, valued = 's', builder, handler } = command
  return {
    name: words.split(' ')[0] ?? '',
    usage,
    valued,
    addTo: (cli) =>
      cli.command<Options>({
        command: words,
        describe,
        builder: (own) => builder(own.usage(`${usage}\n\n${describe}`)),
        handler,
      }),
  }
}

// --- values of flags, for yargs' `coerce` --------------------------------------------------------
//
// Flags that take a number have no yargs type: yargs would turn a word into NaN before it is
// checked.

interface Bounds {
  readonly min: number
  readonly max: number
}

/** @returns a function that throws BadUsage with the flag, its value, and the bounds */
export function wholeNumber(flag: string, { min, max }: Bounds): (given: unknown) => number {
  return (given) => {
    const value = numberIn(flag, given)
    if (Number.isInteger(value) && value >= min && value <= max) return value
    throw badValue(flag, given, `it must be a whole number from ${min} to ${max}`)
  }
}

export function numberAbove0(flag: string): (given: unknown) => number {
  return (given) => {
    const value = numberIn(flag, given)
    if (value > 0 && value < Number.POSITIVE_INFINITY) return value
    throw badValue(flag, given, 'it must be a number above 0')
  }
}

export interface ServerList {
  readonly text: string
  readonly servers: readonly Address[]
  readonly chroot: string
}

/** `host:port,host:port…[/chroot]` */
export function serverList(flag: string): (given: unknown) => ServerList {
  return (given) => {
    const text = String(onlyOne(flag, given))
    try {
      return { text, ...parseServers(text) }
    } catch (error) {
      throw error instanceof ZkError ? new BadUsage(`${error.message} (in ${flag})`) : error
    }
  }
}

function numberIn(flag: string, given: unknown): number {
  const one = onlyOne(flag, given)
  if (typeof one === 'number') return one
  return typeof one === 'string' && one.trim() !== '' ? Number(one) : Number.NaN
}

/** yargs collects a repeated flag into an array. */
function onlyOne(flag: string, given: unknown): unknown {
  if (Array.isArray(given)) throw new BadUsage(`Cannot use ${flag} more than once`)
  return given
}

function badValue(flag: string, given: unknown, why: string): BadUsage {
  const what = given === '' || given === true ? `${flag} without a value` : `${flag} ${given}`
  return new BadUsage(`Cannot use ${what}: ${why}`)
}

/** Of every command that prints facts; errors are JSON, too, then (error-report.ts). */
export const outputOption = {
  alias: 'o',
  choices: ['text', 'json'] as const,
  default: 'text' as const,
  describe: 'what is printed: lines, or one JSON value',
} as const

/** Of every command that asks an ensemble. */
export function serverOption(describe: string) {
  return {
    alias: 's',
    type: 'string',
    default: '127.0.0.1:2181',
    coerce: serverList('--server'),
    describe,
  } as const
}
