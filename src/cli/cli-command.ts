// One subcommand of `zw`, as main.ts lists them.

import type { ArgumentsCamelCase, Argv } from 'yargs'

/** Makes a subcommand known to yargs. */
export type CliCommand = (cli: Argv) => Argv

/** The command line cannot mean anything: exit code 2. */
export class BadUsage extends Error {
  override readonly name = 'BadUsage'
}

/**
 * A yargs command whose handler sees the options that its builder declares.
 *
 * @param command.handler sets `process.exitCode`, or throws: its message goes to stderr, exit code 1
 */
export function cliCommand<Options>(command: {
  readonly command: string
  readonly describe: string
  readonly builder: (cli: Argv) => Argv<Options>
  readonly handler: (options: ArgumentsCamelCase<Options>) => Promise<void> | void
}): CliCommand {
  return (cli) => cli.command<Options>(command)
}

/** @throws BadUsage that names the flag and its bounds */
export function countIn(flag: string, value: unknown, min: number, max: number): void {
  if (Number.isInteger(value) && Number(value) >= min && Number(value) <= max) return
  throw new BadUsage(`Cannot use ${flag} ${value}: it must be a whole number from ${min} to ${max}`)
}
