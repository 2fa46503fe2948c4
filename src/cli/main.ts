#!/usr/bin/env node
// `zw`, the command line. Each subcommand is its own module, listed here.
//
// Exit codes: 0 success, 1 failure, 2 invalid usage.

import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import { consume } from './browser/consume.ts'
import { BadUsage, type CliCommand } from './cli-command.ts'
import { start } from './cluster/start.ts'
import { up } from './cluster/up.ts'
import { acls } from './commands/acls.ts'
import { bench } from './commands/bench.ts'
import { copy } from './commands/copy.ts'
import { ensemble } from './commands/ensemble.ts'
import { groups } from './commands/groups.ts'
import { log } from './commands/log.ts'
import { produce } from './commands/produce.ts'
import { secret } from './commands/secret.ts'
import { status } from './commands/status.ts'
import { topics } from './commands/topics.ts'
import { users } from './commands/users.ts'
import { errorJson, errorText, wantsJson } from './error-report.ts'
import { endWithReaders, toStderr } from './output.ts'
import { separateCommand, shell } from './shell/run-shell.ts'
import { attachValues } from './short-options.ts'

const commands: readonly CliCommand[] = [
  start,
  up,
  status,
  ensemble,
  produce,
  consume,
  topics,
  groups,
  shell,
  copy,
  log,
  bench,
  secret,
  users,
  acls,
]

async function main(args: string[]): Promise<void> {
  const [name = '', ...words] = args
  const valued = commands.find((each) => each.name === name)?.valued ?? ''
  const base = yargs(separateCommand([...args.slice(0, 1), ...attachValues(words, valued)]))
    .scriptName('zw')
    .usage('zw <command>')
    .locale('en')
    .wrap(Math.min(100, process.stdout.columns ?? 80))
    .alias('h', 'help')
    .demandCommand(1, 'Cannot run zw: a command is missing')
    .recommendCommands()
    .strict()
    .fail((message: string | null, error: Error | undefined) => {
      // yargs wraps an error thrown by `coerce` in its own error, with the message alone.
      if (error !== undefined && error.name !== 'YError') throw error
      throw new BadUsage(error?.message ?? message ?? 'Cannot read the command line')
    })
  const cli = commands.reduce<ReturnType<typeof yargs>>((all, command) => command.addTo(all), base)
  try {
    await cli.parseAsync()
  } catch (error) {
    report(error, name, wantsJson(words))
  }
}

function report(error: unknown, name: string | undefined, isJson: boolean): void {
  process.exitCode = error instanceof BadUsage ? 2 : 1
  toStderr(`${isJson ? errorJson(error) : errorText(error)}\n`)
  if (isJson) return
  if (!(error instanceof BadUsage)) return
  const command = commands.find((each) => each.name === name)
  if (command !== undefined) toStderr(`Usage: ${command.usage}\n`)
  toStderr(`zw ${command === undefined ? '' : `${command.name} `}--help shows the details\n`)
}

endWithReaders()
await main(hideBin(process.argv))
