// `zw shell`: the commands of zkCli, typed at a prompt, read from a pipe, or one on the command line.

import { clearLine, createInterface, cursorTo } from 'node:readline'
import { parseServers } from '../client/servers.ts'
import { defaultSessionTimeoutMs, type Watcher, ZkClient } from '../client/zk-client.ts'
import { childPath } from '../protocol/path.ts'
import { cliCommand } from './cli-command.ts'
import { controlCommands } from './commands/control.ts'
import { create } from './commands/create.ts'
import { deleteCommand } from './commands/delete.ts'
import { deleteall } from './commands/deleteall.ts'
import { get } from './commands/get.ts'
import { ls } from './commands/ls.ts'
import { multi } from './commands/multi.ts'
import { session } from './commands/session.ts'
import { set } from './commands/set.ts'
import type { ShellCommand, ShellContext } from './commands/shell-command.ts'
import { stat } from './commands/stat.ts'
import { sync } from './commands/sync.ts'
import { addWatch, removewatches } from './commands/watch.ts'
import { completionOf } from './complete.ts'
import { formatError, formatEvent, formatStateEvent, type KeeperState } from './format.ts'
import { type ParsedWords, parseWords, splitWords, UsageError } from './parse-line.ts'

const commands: readonly ShellCommand[] = [
  ls,
  get,
  set,
  create,
  deleteCommand,
  deleteall,
  stat,
  sync,
  addWatch,
  removewatches,
  multi,
  session,
  ...controlCommands,
]

/** Exit codes of a command: fine, failed, badly written. */
type Outcome = 0 | 1 | 2

interface ShellOptions {
  readonly servers: string
  readonly sessionTimeoutMs: number
  readonly connectTimeoutMs: number
  readonly out: (text: string) => void
  /** for what comes by itself: events of watches */
  readonly tell: (text: string) => void
  /** whether connections lost and found are told too: to a person, not to a script */
  readonly tellsStates: boolean
  readonly err: (text: string) => void
}

/** Runs lines one after the other against one session at a time. */
export class Shell implements ShellContext {
  readonly #options: ShellOptions
  #servers: string
  #zk: ZkClient | undefined
  #stopped = false
  readonly commands = commands
  readonly history: string[] = []
  printWatches = true

  constructor(options: ShellOptions) {
    this.#options = options
    this.#servers = options.servers
  }

  readonly watcher: Watcher = (event) => {
    if (this.printWatches) this.#options.tell(`${formatEvent(event)}\n`)
  }

  get zk(): ZkClient {
    if (this.#zk === undefined) throw new UsageError('Not connected: connect begins a new session')
    return this.#zk
  }

  get stopped(): boolean {
    return this.#stopped
  }

  /** As zkCli's: `[zk: localhost:2181(CONNECTED) 3] ` */
  get prompt(): string {
    return `[zk: ${this.#servers}(${this.#stateName()}) ${this.history.length}] `
  }

  #stateName(): string {
    switch (this.#zk?.state) {
      case 'connected':
        return 'CONNECTED'
      case 'connectedReadOnly':
        return 'CONNECTEDREADONLY'
      case 'connecting':
      case 'suspended':
        return 'CONNECTING'
      case 'expired':
      case 'closed':
      case undefined:
        return 'CLOSED'
    }
  }

  print(text: string): void {
    this.#options.out(`${text}\n`)
  }

  /** @throws ZkError when no server serves us in time */
  async connect(servers?: string): Promise<void> {
    const { servers: list, chroot } = parseServers(servers ?? this.#servers)
    if (this.#zk !== undefined) await this.disconnect()
    this.#servers = servers ?? this.#servers
    const { sessionTimeoutMs, connectTimeoutMs } = this.#options
    const zk = new ZkClient({ servers: list, chroot, sessionTimeoutMs, connectTimeoutMs })
    this.#zk = zk
    zk.on('connected', () => this.#tell('SyncConnected'))
    zk.on('suspended', () => this.#tell('Disconnected'))
    zk.on('expired', () => this.#tell('Expired'))
    await zk.connect()
  }

  #tell(state: KeeperState): void {
    const { tellsStates, tell } = this.#options
    if (tellsStates && this.printWatches) tell(`${formatStateEvent(state)}\n`)
  }

  async disconnect(): Promise<void> {
    await this.#zk?.close()
    this.#zk = undefined
  }

  quit(): void {
    this.#stopped = true
  }

  /** Runs a line that was typed; what goes wrong is printed to stderr. */
  async runTyped(line: string): Promise<Outcome> {
    if (line.trim() === '' || line.trimStart().startsWith('#')) return 0
    this.history.push(line)
    return this.#guard(() => this.run(line))
  }

  /** The same for words that a command line has split already. */
  runWords(words: readonly string[]): Promise<Outcome> {
    this.history.push(words.join(' '))
    return this.#guard(() => this.#runWords(words))
  }

  run(line: string): Promise<void> {
    return this.#runWords(splitWords(line))
  }

  async #guard(run: () => Promise<void>): Promise<Outcome> {
    try {
      await run()
      return 0
    } catch (error) {
      this.#options.err(`${formatError(error)}\n`)
      return error instanceof UsageError ? 2 : 1
    }
  }

  async #runWords([name = '', ...words]: readonly string[]): Promise<void> {
    const command = commands.find((each) => each.name === name)
    if (command === undefined) throw new UsageError(`Command not found: ${name}, help lists them`)
    const parsed = command.options === 'raw' ? raw(words) : parseWords(words, command.options)
    const { min, max } = command.words
    if (parsed.rest.length < min || parsed.rest.length > max) {
      throw new UsageError(`${command.name} ${command.usage}`)
    }
    await command.run(this, parsed)
  }

  /** For readline: candidates, and the word they replace. */
  async complete(line: string): Promise<[string[], string]> {
    const completion = completionOf(line)
    if (completion.type === 'none') return [[], line]
    const { prefix } = completion
    const candidates =
      completion.type === 'command'
        ? commands.map(({ name }) => `${name} `)
        : await this.#pathsIn(completion.directory)
    return [candidates.filter((candidate) => candidate.startsWith(prefix)), prefix]
  }

  /** Nothing when it cannot be known now: a key must not hang. */
  async #pathsIn(directory: string): Promise<string[]> {
    if (this.#zk?.state !== 'connected') return []
    try {
      const { children } = await this.#zk.getChildren(directory)
      return children.map((name) => childPath(directory, name))
    } catch {
      return []
    }
  }
}

function raw(words: readonly string[]): ParsedWords {
  return { flags: new Set(), values: new Map(), rest: words }
}

type Settings = Pick<ShellOptions, 'servers' | 'sessionTimeoutMs' | 'connectTimeoutMs'>

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
    const takesValue = /^(-s|-t|--server|--timeout|--connect-timeout)$/.test(args[at] ?? '')
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
      }),
  async handler({ server, timeout, connectTimeout, _: [, ...command] }) {
    // What stands behind `--` is left as it is, here and nowhere else.
    const words = command.map(String)
    const settings = {
      servers: server,
      sessionTimeoutMs: timeout,
      connectTimeoutMs: connectTimeout,
    }
    if (words.length > 0) process.exitCode = await runOnce(settings, words)
    else if (process.stdin.isTTY) await converse(settings)
    else process.exitCode = await runScript(settings)
  },
})
