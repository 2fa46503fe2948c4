// `zw shell`: the commands of zkCli, run one after the other against one session at a time.

import { formatAttempts } from '../client/attempts.ts'
import { parseServers } from '../client/servers.ts'
import { type DialectName, type Watcher, ZkClient } from '../client/zk-client.ts'
import { childPath } from '../protocol/path.ts'
import { getAcl, setAcl } from './commands/acl.ts'
import { config, reconfig } from './commands/config.ts'
import { controlCommands } from './commands/control.ts'
import { getAllChildrenNumber, getEphemerals } from './commands/count.ts'
import { create } from './commands/create.ts'
import { deleteCommand } from './commands/delete.ts'
import { deleteall } from './commands/deleteall.ts'
import { get } from './commands/get.ts'
import { addauth, whoami } from './commands/identity.ts'
import { ls } from './commands/ls.ts'
import { multi } from './commands/multi.ts'
import { delquota, listquota, setquota } from './commands/quota.ts'
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
  getAcl,
  setAcl,
  addauth,
  whoami,
  addWatch,
  removewatches,
  setquota,
  listquota,
  delquota,
  getEphemerals,
  getAllChildrenNumber,
  multi,
  session,
  config,
  reconfig,
  ...controlCommands,
]

/** Exit codes of a command: fine, failed, badly written. */
export type Outcome = 0 | 1 | 2

export interface ShellOptions {
  readonly servers: string
  readonly sessionTimeoutMs: number
  readonly connectTimeoutMs: number
  readonly dialect: DialectName
  /** whether a server without a quorum will do */
  readonly readOnly: boolean
  readonly out: (text: string) => void
  /** for what comes by itself: events of watches */
  readonly tell: (text: string) => void
  /** whether connections lost and found are told too: to a person, not to a script */
  readonly tellsStates: boolean
  readonly err: (text: string) => void
}

interface Parsed {
  readonly command: ShellCommand
  readonly parsed: ParsedWords
}

/** Runs lines one after the other against one session at a time. */
export class Shell implements ShellContext {
  readonly #options: ShellOptions
  #servers: string
  #chroot = ''
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

  get chroot(): string {
    return this.#chroot
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
      case 'authFailed':
        return 'AUTH_FAILED'
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
    this.#chroot = chroot
    const { sessionTimeoutMs, connectTimeoutMs, dialect, readOnly } = this.#options
    const session = { sessionTimeoutMs, connectTimeoutMs, dialect, readOnly }
    const zk = new ZkClient({ servers: list, chroot, ...session })
    this.#zk = zk
    zk.once('unreachable', (attempts) => {
      this.#options.err(`No server serves us yet, trying again: ${formatAttempts(attempts)}\n`)
    })
    zk.on('connected', () => this.#tell('SyncConnected'))
    zk.on('connectedReadOnly', () => this.#tell('ConnectedReadOnly'))
    zk.on('suspended', () => this.#tell('Disconnected'))
    zk.on('expired', () => this.#tell('Expired'))
    zk.on('authFailed', () => this.#tell('AuthFailed'))
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

  /** Says what is wrong with words that cannot be run, before anybody connects for them. */
  checkWords(words: readonly string[]): Promise<Outcome> {
    return this.#guard(() => void this.#parse(words))
  }

  async run(line: string): Promise<void> {
    await this.#runWords(splitWords(line))
  }

  async #guard(run: () => Promise<void> | void): Promise<Outcome> {
    try {
      await run()
      return 0
    } catch (error) {
      this.#options.err(`${formatError(error)}\n`)
      return error instanceof UsageError ? 2 : 1
    }
  }

  #runWords(words: readonly string[]): Promise<void> | void {
    const { command, parsed } = this.#parse(words)
    return command.run(this, parsed)
  }

  #parse([name = '', ...words]: readonly string[]): Parsed {
    const command = commands.find((each) => each.name === name)
    if (command === undefined) throw new UsageError(`Command not found: ${name}, help lists them`)
    const parsed = command.options === 'raw' ? raw(words) : parseWords(words, command.options)
    const { min, max } = command.words
    if (parsed.rest.length < min || parsed.rest.length > max) {
      throw new UsageError(`${command.name} ${command.usage}`)
    }
    return { command, parsed }
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
    const state = this.#zk?.state
    if (this.#zk === undefined || (state !== 'connected' && state !== 'connectedReadOnly'))
      return []
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
