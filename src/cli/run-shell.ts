// `zw shell` as it is run: a prompt, lines from a pipe, or one command on the command line.

import { clearLine, createInterface, cursorTo } from 'node:readline'
import { type DialectName, dialectNames } from '../client/dialects.ts'
import { defaultSessionTimeoutMs } from '../client/zk-client.ts'
import { cliCommand } from './cli-command.ts'
import { formatError } from './format.ts'
import { type Outcome, Shell, type ShellOptions } from './shell.ts'

type Settings = Omit<ShellOptions, 'out' | 'tell' | 'tellsStates' | 'err'>

const toStdout = (text: string) => void process.stdout.write(text)
const toStderr = (text: string) => void process.stderr.write(text)

function shellForScripts(settings: Settings): Shell {
  return new Shell({
    ...settings,
    out: toStdout,
    tell: toStdout,
    tellsStates: false,
    err: toStderr,
  })
}

async function runOnce(settings: Settings, words: readonly string[]): Promise<Outcome> {
  const shell = shellForScripts(settings)
  const readable = await shell.checkWords(words)
  if (readable !== 0) return readable
  try {
    await shell.connect()
    return await shell.runWords(words)
  } finally {
    await shell.disconnect()
  }
}

/** Runs all lines of standard input, and remembers the worst outcome. */
async function runScript(settings: Settings): Promise<Outcome> {
  const shell = shellForScripts(settings)
  let worst: Outcome = 0
  try {
    await shell.connect()
    for await (const line of createInterface({ input: process.stdin })) {
      const outcome = await shell.runTyped(line)
      if (outcome > worst) worst = outcome
      if (shell.stopped) break
    }
    return worst
  } finally {
    await shell.disconnect()
  }
}

/** Talks with a person until `quit`, Ctrl-C or Ctrl-D. */
async function converse(settings: Settings): Promise<void> {
  const lines = createInterface({
    input: process.stdin,
    output: process.stdout,
    completer: (line: string, done: (error: null, result: [string[], string]) => void) => {
      void shell.complete(line).then((result) => done(null, result))
    },
  })
  let idle = true
  const prompt = () => {
    lines.setPrompt(shell.prompt)
    if (idle && !shell.stopped) lines.prompt(true)
  }
  const shell = new Shell({
    ...settings,
    out: toStdout,
    tell: (text) => {
      clearLine(process.stdout, 0)
      cursorTo(process.stdout, 0)
      process.stdout.write(text)
      prompt()
    },
    tellsStates: true,
    err: (text) => {
      if (!shell.stopped) toStdout(text)
    },
  })
  const closed = new Promise<void>((resolve) => lines.once('close', resolve))
  shell.connect().catch((error: unknown) => {
    if (!shell.stopped) toStdout(`\n${formatError(error)}\n`)
    prompt()
  })
  prompt()
  let busy = Promise.resolve()
  lines.on('line', (line) => {
    busy = busy.then(async () => {
      if (shell.stopped) return
      idle = false
      await shell.runTyped(line)
      idle = true
      if (shell.stopped) lines.close()
      else prompt()
    })
  })
  await closed
  if (!shell.stopped) toStdout('\n')
  shell.quit()
  await shell.disconnect()
}

/**
 * Sets the shell's command apart from our own options: `shell -s a:1 get -s /x` becomes
 * `shell -s a:1 -- get -s /x`.
 */
export function separateCommand(args: readonly string[]): string[] {
  if (args[0] !== 'shell') return [...args]
  let at = 1
  while (at < args.length && args[at]?.startsWith('-') === true && args[at] !== '--') {
    const takesValue = /^(-s|-t|--server|--timeout|--connect-timeout|--dialect)$/.test(
      args[at] ?? '',
    )
    at += takesValue ? 2 : 1
  }
  if (at >= args.length || args[at] === '--') return [...args]
  return [...args.slice(0, at), '--', ...args.slice(at)]
}

export const shell = cliCommand({
  command: 'shell [words..]',
  describe: 'a shell like zkCli: a prompt, commands from a pipe, or the one given here',
  builder: (cli) =>
    cli
      .usage('zw shell [-s host:port,…] [command …]')
      .positional('words', { type: 'string', array: true, describe: 'a command, and its words' })
      .option('server', {
        alias: 's',
        type: 'string',
        default: '127.0.0.1:2181',
        describe: 'servers, and a chroot: host:port,host:port…[/chroot]',
      })
      .option('timeout', {
        alias: 't',
        type: 'number',
        default: defaultSessionTimeoutMs,
        describe: 'session time-out in ms',
      })
      .option('connect-timeout', {
        type: 'number',
        default: 10_000,
        describe: 'how long to look for a server, in ms',
      })
      .option('dialect', {
        choices: dialectNames,
        default: 'native' as const satisfies DialectName,
        describe: "jute is ZooKeeper's own protocol, for its servers",
      })
      .option('read-only', {
        alias: 'r',
        type: 'boolean',
        default: false,
        describe: 'a server that has lost its quorum will do',
      }),
  async handler({ server, timeout, connectTimeout, dialect, readOnly, _: [, ...command] }) {
    // What stands behind `--` is left as it is, here and nowhere else.
    const words = command.map(String)
    const settings = {
      servers: server,
      sessionTimeoutMs: timeout,
      connectTimeoutMs: connectTimeout,
      dialect,
      readOnly,
    }
    if (words.length > 0) process.exitCode = await runOnce(settings, words)
    else if (process.stdin.isTTY) await converse(settings)
    else process.exitCode = await runScript(settings)
  },
})
