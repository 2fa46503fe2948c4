#!/usr/bin/env node
// `zw`: everything a person types. Each subcommand is a module of its own, listed here.
//
// Exit codes: 0 fine, 1 failed, 2 badly written.

import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import { BadUsage, type CliCommand } from './cli-command.ts'
import { consume } from './consume.ts'
import { copy } from './copy.ts'
import { produce } from './produce.ts'
import { separateCommand, shell } from './run-shell.ts'
import { start } from './start.ts'
import { status } from './status.ts'
import { up } from './up.ts'

const commands: readonly CliCommand[] = [start, up, status, produce, consume, shell, copy]

async function main(args: string[]): Promise<void> {
  const base = yargs(separateCommand(args))
    .scriptName('zw')
    .usage('zw <command>')
    .demandCommand(1, 'A command is missing')
    .strict()
    .fail((message: string | null, error: Error | undefined) => {
      throw error ?? new BadUsage(message ?? 'the command line cannot be read')
    })
  const cli = commands.reduce<ReturnType<typeof yargs>>((all, add) => add(all), base)
  try {
    await cli.parseAsync()
  } catch (error) {
    report(error)
  }
}

/** Mistakes of ours show where they are; everything else says what could not be done. */
function report(error: unknown): void {
  const bug = error instanceof TypeError || error instanceof ReferenceError
  const text = error instanceof Error ? (bug ? error.stack : error.message) : String(error)
  const hint = error instanceof BadUsage ? ' (zw --help tells more)' : ''
  process.stderr.write(`${text}${hint}\n`)
  process.exitCode = error instanceof BadUsage ? 2 : 1
}

// Whoever reads our output may have seen enough: `zw shell ls -R / | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1)
})

await main(hideBin(process.argv))
