// The ways to run `zw shell`: a prompt, lines from a pipe, or one command on the command line.

import { clearLine, createInterface, cursorTo } from 'node:readline'
import { type DialectName, dialectNames } from '../../client/zk/dialects.ts'
import { defaultSessionTimeoutMs } from '../../client/zk/zk-client.ts'
import { limits } from '../../limits.ts'
import { canDraw } from '../../terminal.ts'
import { cliCommand, serverOption, wholeNumber } from '../cli-command.ts'
import { abortable } from '../cluster/cluster-ready.ts'
import { linesOf } from '../lines.ts'
import { toStderr, toStdout } from '../output.ts'
import { StoppedError, stopSignal } from '../stop-signal.ts'
import { tlsOf, tlsOptions, tlsValued } from '../tls-options.ts'
import { formatError } from './format.ts'
import { hasSecret } from './secrets.ts'
import { type Outcome, Shell, type ShellOptions } from './shell.ts'

type Settings = Omit<ShellOptions, 'out' | 'tell' | 'tellsStates' | 'err'>

/** A shell without a prompt; a stop signal still ends its session. @returns the exit code */
async function runUnattended(
  settings: Settings,
  run: (shell: Shell, signal: AbortSignal) => Promise<Outcome>,
): Promise<number> {
  const shell = new Shell({
    ...settings,
    out: toStdout,
    tell: toStdout,
    tellsStates: false,
    err: toStderr,
  })
  const { signal, again } = stopSignal()
  void again.then(() => process.exit())
  try {
    return await abortable(run(shell, signal), signal)
  } catch (error) {
    if (error instanceof StoppedError) return error.exitCode
    throw error
  } finally {
    // A writer that keeps its end of the pipe open would keep this process alive.
    process.stdin.destroy()
    await shell.disconnect()
  }
}

async function runOnce(shell: Shell, words: readonly string[]): Promise<Outcome> {
  const readable = await shell.checkWords(words)
  if (readable !== 0) return readable
  await shell.connect()
  return shell.runWords(words)
}

/**
 * Runs the lines of standard input, up to `quit` if present, and returns the worst outcome. A
 * carriage return at the end of a line, as on Windows, is not part of the command.
 */
async function runScript(shell: Shell, signal: AbortSignal): Promise<Outcome> {
  let worst: Outcome = 0
  await shell.connect()
  for await (const { number, bytes } of linesOf(process.stdin, limits.shellLineBytesMax)) {
    const line = bytes.toString('utf8').replace(/\r$/, '')
    const outcome = await shell.runTyped(line, `line ${number}: `)
    if (outcome > worst) worst = outcome
    if (shell.stopped || signal.aborted) break
  }
  return worst
}

/** Interactive use until `quit`, Ctrl-D, or Ctrl-C on an empty line. */
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
  const draws = canDraw(process.stdout, process.env)
  const shell = new Shell({
    ...settings,
    out: toStdout,
    tell: (text) => {
      if (draws) {
        clearLine(process.stdout, 0)
        cursorTo(process.stdout, 0)
      }
      toStdout(text)
      prompt()
    },
    tellsStates: true,
    err: (text) => {
      if (!shell.stopped) toStdout(text)
    },
  })
  const closed = new Promise<void>((resolve) => lines.once('close', resolve))
  stopSignal().signal.addEventListener('abort', () => lines.close())
  lines.on('SIGINT', () => {
    if (lines.line === '') {
      lines.close()
      return
    }
    toStdout('^C\n')
    lines.write(null, { ctrl: true, name: 'e' })
    lines.write(null, { ctrl: true, name: 'u' })
  })
  // The Up key and Ctrl-R would show a password again.
  lines.on('history', (recalled) => {
    if (recalled[0] !== undefined && hasSecret(recalled[0])) recalled.shift()
  })
  shell.connect().catch((error: unknown) => {
    // A command that waits for the session reports the error itself.
    if (idle && !shell.stopped) toStdout(`\n${formatError(error)}\n`)
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
 * Separates the shell's command from zw's own options: `shell -s a:1 get -s /x` becomes `shell -s
 * a:1 -- get -s /x`.
 */
export function separateCommand(args: readonly string[]): string[] {
  if (args[0] !== 'shell') return [...args]
  let at = 1
  while (at < args.length && args[at]?.startsWith('-') === true && args[at] !== '--') {
    const word = args[at] ?? ''
    const takesValue = /^(-s|-t|--server|--timeout|--connect-timeout|--dialect)$/.test(word)
    at += takesValue || tlsValued.test(word) ? 2 : 1
  }
  if (at >= args.length || args[at] === '--') return [...args]
  return [...args.slice(0, at), '--', ...args.slice(at)]
}

export const shell = cliCommand({
  command: 'shell [words..]',
  // Flags of the shell's own commands follow, such as `create -es`.
  valued: '',
  usage: 'zw shell [-s host:port,…] [command …]',
  describe: 'a shell like zkCli: a prompt, commands from a pipe, or one given here',
  builder: (cli) =>
    tlsOptions(cli)
      .positional('words', { type: 'string', array: true, describe: 'a command and its words' })
      .option('server', serverOption('servers, and a chroot: host:port,host:port…[/chroot]'))
      .option('timeout', {
        alias: 't',
        coerce: wholeNumber('--timeout', { min: 1, max: timeoutMsMax }),
        default: defaultSessionTimeoutMs,
        describe: 'session time-out in ms',
      })
      .option('connect-timeout', {
        coerce: wholeNumber('--connect-timeout', { min: 1, max: timeoutMsMax }),
        default: 10_000,
        describe: 'time limit for finding a server, in ms',
      })
      .option('dialect', {
        choices: dialectNames,
        default: 'native' as const satisfies DialectName,
        describe: "jute is ZooKeeper's own protocol, for ZooKeeper's servers",
      })
      .option('read-only', {
        alias: 'r',
        type: 'boolean',
        default: false,
        describe: 'accept a server that has lost its quorum',
      }),
  async handler(given) {
    const {
      server,
      timeout,
      connectTimeout,
      dialect,
      readOnly,
      _: [, ...command],
    } = given
    // yargs leaves the words after `--` unparsed.
    const words = command.map(String)
    const settings = {
      servers: server.text,
      sessionTimeoutMs: timeout,
      connectTimeoutMs: connectTimeout,
      dialect,
      readOnly,
      tls: tlsOf(given),
    }
    if (words.length > 0) {
      process.exitCode = await runUnattended(settings, (shell) => runOnce(shell, words))
    } else if (process.stdin.isTTY && process.stdout.isTTY) await converse(settings)
    else process.exitCode = await runUnattended(settings, runScript)
  },
})

/** The longest delay of a Node.js timer. */
const timeoutMsMax = 2 ** 31 - 1
