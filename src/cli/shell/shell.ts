// `zw shell`: the commands of zkCli, run one at a time in one session at a time.

import { formatAddress } from '../../address.ts'
import { formatAttempts } from '../../client/attempts.ts'
import { parseServers } from '../../client/server-list.ts'
import type { TlsOptions } from '../../client/tls.ts'
import { type DialectName, type Watcher, ZkClient } from '../../client/zk/zk-client.ts'
import { oneLine, printable } from '../../printable.ts'
import { ZkError } from '../../protocol/error-codes.ts'
import { childPath } from '../../protocol/path.ts'
import type { Content } from '../output.ts'
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
import {
  commandNamed,
  type HistoryEntry,
  type ShellCommand,
  type ShellContext,
  usageOf,
} from './commands/shell-command.ts'
import { stat } from './commands/stat.ts'
import { sync } from './commands/sync.ts'
import { addWatch, removewatches } from './commands/watch.ts'
import { completionOf } from './complete.ts'
import { formatError, formatEvent, formatStateEvent, type KeeperState } from './format.ts'
import { type ParsedWords, parseWords, splitWords, UsageError } from './parse-line.ts'
import { withoutSecrets } from './secrets.ts'

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

/** Exit codes of a command: success, failure, invalid usage. */
export type Outcome = 0 | 1 | 2

export interface ShellOptions {
  readonly servers: string
  readonly sessionTimeoutMs: number
  readonly connectTimeoutMs: number
  readonly dialect: DialectName
  /** whether a server without a quorum is accepted */
  readonly readOnly: boolean
  readonly tls?: TlsOptions | undefined
  readonly out: (content: Content) => void
  /** for asynchronous output: watch events */
  readonly tell: (text: string) => void
  /** whether changes of the connection are reported: at a prompt, not in a script */
  readonly tellsStates: boolean
  /** for errors, and notes about the output */
  readonly err: (text: string) => void
}

/** The session in which commands run. */
type ShellSession =
  | { readonly type: 'open'; readonly zk: ZkClient }
  /** the first one, or one after another was closed; commands wait for it */
  | { readonly type: 'opening'; readonly zk: ZkClient; readonly opened: Promise<void> }
  /** no server could be reached: the next command retries */
  | { readonly type: 'unreached' }
  | { readonly type: 'closed' }

interface Parsed {
  readonly command: ShellCommand
  readonly parsed: ParsedWords
}

/** Runs lines one at a time in one session at a time. */
export class Shell implements ShellContext {
  readonly #options: ShellOptions
  #servers: string
  #chroot = ''
  #session: ShellSession = { type: 'closed' }
  /** the client that replaces an open session once it is connected */
  #next: ZkClient | undefined
  #stopped = false
  readonly commands = commands
  readonly history: HistoryEntry[] = []
  printWatches = true

  constructor(options: ShellOptions) {
    this.#options = options
    this.#servers = options.servers
  }

  readonly watcher: Watcher = (event) => {
    if (this.printWatches) this.#options.tell(`${formatEvent(event)}\n`)
  }

  get zk(): ZkClient {
    if (this.#session.type === 'open') return this.#session.zk
    throw new Error('Not connected: connect starts a new session')
  }

  get chroot(): string {
    return this.#chroot
  }

  get stopped(): boolean {
    return this.#stopped
  }

  /** Like zkCli's: `[zk: localhost:2181(CONNECTED) 3] ` */
  get prompt(): string {
    return `[zk: ${this.#servers}(${this.#stateName()}) ${this.history.length}] `
  }

  #stateName(): string {
    const session = this.#session
    if (session.type === 'unreached' || session.type === 'closed') return 'CLOSED'
    switch (session.zk.state) {
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
        return 'CLOSED'
    }
  }

  print(content: Content): void {
    const { out } = this.#options
    if (typeof content === 'string') {
      out(`${content}\n`)
      return
    }
    out(content)
    out('\n')
  }

  note(text: string): void {
    this.#options.err(`${text}\n`)
  }

  /**
   * The current session ends once the new one is established, and continues if that fails.
   *
   * @throws UsageError for an invalid server list, ZkError if no server accepts the session in time
   */
  async connect(servers = this.#servers): Promise<void> {
    const { servers: list, chroot } = readServers(servers)
    const { sessionTimeoutMs, connectTimeoutMs, dialect, readOnly, tls } = this.#options
    const timeouts = { sessionTimeoutMs, connectTimeoutMs }
    const session = { ...timeouts, dialect, readOnly, ...(tls && { tls }) }
    const zk = new ZkClient({ servers: list, chroot, ...session })
    zk.once('unreachable', (attempts) => {
      this.#options.err(`No server is available yet, retrying: ${formatAttempts(attempts)}\n`)
    })
    zk.on('connected', () => this.#tell('SyncConnected'))
    zk.on('connectedReadOnly', () => this.#tell('ConnectedReadOnly'))
    zk.on('suspended', () => this.#tell('Disconnected'))
    zk.on('expired', () => this.#tell('Expired'))
    zk.on('authFailed', () => this.#tell('AuthFailed'))
    const before = this.#session
    const opened = zk.connect()
    if (before.type === 'open') this.#next = zk
    else this.#session = { type: 'opening', zk, opened }
    if (before.type === 'opening') void before.zk.close()
    try {
      await opened
    } catch (error) {
      if (before.type === 'open') throw stillConnected(error, before.zk)
      const isOurs = this.#session.type === 'opening' && this.#session.zk === zk
      if (isOurs) this.#session = { type: 'unreached' }
      throw error
    } finally {
      this.#next = undefined
    }
    this.#session = { type: 'open', zk }
    this.#servers = servers
    this.#chroot = chroot
    if (before.type === 'open') await before.zk.close()
  }

  #tell(state: KeeperState): void {
    const { tellsStates, tell } = this.#options
    if (tellsStates && this.printWatches) tell(`${formatStateEvent(state)}\n`)
  }

  async disconnect(): Promise<void> {
    const session = this.#session
    this.#session = { type: 'closed' }
    await this.#next?.close()
    if (session.type === 'open' || session.type === 'opening') await session.zk.close()
  }

  quit(): void {
    this.#stopped = true
  }

  /**
   * Runs a typed line; errors are printed to stderr.
   *
   * @param where prefix of an error: the line number in a script
   */
  async runTyped(line: string, where = ''): Promise<Outcome> {
    if (line.trim() === '' || line.trimStart().startsWith('#')) return 0
    this.#remember(line)
    return this.#guard(() => this.run(line), where)
  }

  /** The same for words that the command line has already split. */
  runWords(words: readonly string[]): Promise<Outcome> {
    this.#remember(words.join(' '))
    return this.#guard(() => this.#runWords(words))
  }

  #remember(line: string): void {
    this.history.push({ line, shown: withoutSecrets(line) })
  }

  /** Reports errors in the words before connecting. */
  checkWords(words: readonly string[]): Promise<Outcome> {
    return this.#guard(() => void this.#parse(words))
  }

  async run(line: string): Promise<void> {
    await this.#runWords(splitWords(line))
  }

  async #guard(run: () => Promise<void> | void, where = ''): Promise<Outcome> {
    try {
      await run()
      return 0
    } catch (error) {
      this.#options.err(`${where}${formatError(error)}\n`)
      return error instanceof UsageError ? 2 : 1
    }
  }

  async #runWords(words: readonly string[]): Promise<void> {
    const { command, parsed } = this.#parse(words)
    if (command.isLocal !== true) await this.#untilOpen()
    try {
      await command.run(this, parsed)
    } catch (error) {
      throw withUsage(error, command)
    }
  }

  async #untilOpen(): Promise<void> {
    switch (this.#session.type) {
      case 'opening':
        return this.#session.opened
      case 'unreached':
        return this.connect()
      case 'open':
      case 'closed':
        return
    }
  }

  #parse([name = '', ...words]: readonly string[]): Parsed {
    const command = commandNamed(commands, name)
    try {
      const parsed = command.options === 'raw' ? raw(words) : parseWords(words, command.options)
      const { min, max } = command.words
      if (parsed.rest.length < min) throw new UsageError(`Cannot run ${name}: a word is missing`)
      if (parsed.rest.length > max) throw new UsageError(`Cannot run ${name}: too many words`)
      return { command, parsed }
    } catch (error) {
      throw withUsage(error, command)
    }
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

  /** Empty if unknown at the moment: a key must not hang. */
  async #pathsIn(directory: string): Promise<string[]> {
    if (this.#session.type !== 'open') return []
    const { zk } = this.#session
    if (zk.state !== 'connected' && zk.state !== 'connectedReadOnly') return []
    try {
      const { children } = await zk.getChildren(directory)
      // readline prints candidates unchanged, and escaped names could not be typed.
      return children.filter(isPrintable).map((name) => childPath(directory, name))
    } catch {
      return []
    }
  }
}

function isPrintable(name: string): boolean {
  return oneLine(printable(name)) === name
}

/** @throws UsageError */
function readServers(text: string): ReturnType<typeof parseServers> {
  try {
    return parseServers(text)
  } catch (error) {
    throw error instanceof ZkError ? new UsageError(error.message) : error
  }
}

function stillConnected(error: unknown, { server }: ZkClient): Error {
  const where = server === undefined ? '' : ` at ${formatAddress(server)}`
  return new Error(`${formatError(error)}; the current session${where} continues`)
}

/** A usage error shows the usage of the command; after a redo, of the innermost one. */
function withUsage(error: unknown, command: ShellCommand): unknown {
  if (!(error instanceof UsageError) || error.usage !== undefined) return error
  return new UsageError(error.message, usageOf(command))
}

function raw(words: readonly string[]): ParsedWords {
  return { flags: new Set(), values: new Map(), rest: words }
}
