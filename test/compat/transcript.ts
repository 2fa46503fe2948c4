// Runs one row of the table of operations against an ensemble and records the answers, without
// values that naturally differ between two ensembles: zxids become their rank within the row,
// session ids the name of the connection, times are checked and left out.

import type { Address } from '../../src/address.ts'
import { errorCodes } from '../../src/protocol/error-codes.ts'
import {
  type Handshake,
  JuteConnection,
  type OperationName,
  operations,
  Reader,
  type Received,
  type Request,
  type Welcome,
} from './jute-connection.ts'

export type ConnectionName = 'a' | 'b' | 'c' | 'd'

export type Step =
  /** Sent in one piece; done when all are answered. The first step of a connection opens it. */
  | {
      readonly type: 'ask'
      readonly by: ConnectionName
      readonly requests: readonly Request[]
      /** the server closes the connection after it */
      readonly ends?: boolean
    }
  /** A handshake by hand. */
  | { readonly type: 'connect'; readonly by: ConnectionName; readonly handshake: Attach }
  /** The client disconnects without closing its session. */
  | { readonly type: 'drop'; readonly by: ConnectionName }
  /** Bytes; done when the server has closed the connection. */
  | { readonly type: 'break'; readonly by: ConnectionName; readonly bytes: Buffer }

export interface Attach extends Omit<Handshake, 'sessionId' | 'password'> {
  /** a session that another connection of the row has or had */
  readonly sessionOf?: ConnectionName
  readonly sessionId?: bigint
  readonly password?: 'of the session' | 'wrong' | 'empty' | 'null' | 'short'
}

export interface Operation {
  /** unique; known differences are listed by it */
  readonly name: string
  /** @param at a znode of its own, without children */
  steps(at: string): readonly Step[]
  /** further values in `transcript` that naturally differ */
  readonly normalize?: (line: string) => string
  /** whether the zxid of notifications is compared too */
  readonly eventZxids?: boolean
}

/** Connections of one row go to different servers, in turn. */
export async function transcript(
  servers: readonly Address[],
  operation: Operation,
  at: string,
): Promise<string[]> {
  const run = new Run(servers, operation, at)
  try {
    await run.perform()
    return run.lines()
  } finally {
    run.end()
  }
}

type Entry =
  | { readonly type: 'text'; readonly by: ConnectionName; readonly text: string }
  | {
      readonly type: 'received'
      readonly by: ConnectionName
      readonly received: Received
      readonly request: Request | undefined
    }

class Run {
  readonly #servers: readonly Address[]
  readonly #operation: Operation
  readonly #at: string
  readonly #connections = new Map<ConnectionName, JuteConnection>()
  readonly #welcomes = new Map<ConnectionName, Welcome>()
  readonly #seen = new Map<ConnectionName, number>()
  readonly #asked = new Map<ConnectionName, Map<number, Request>>()
  readonly #entries: Entry[] = []

  constructor(servers: readonly Address[], operation: Operation, at: string) {
    this.#servers = servers
    this.#operation = operation
    this.#at = at
  }

  async perform(): Promise<void> {
    const world = [{ perms: 31, scheme: 'world', id: 'anyone' }]
    const setup = await JuteConnection.connect(this.#server('a'))
    await setup.ask('create', { path: this.#at, data: '', acl: world, flags: 0 })
    await setup.ask('closeSession')
    for (const step of this.#operation.steps(this.#at)) {
      await this.#perform(step)
      await this.#settle(step.by)
    }
    for (const [name, connection] of this.#connections) {
      if (!connection.closed) await connection.answered(connection.send({ op: 'ping' }))
      if (connection.closed) this.#collect(name)
    }
  }

  end(): void {
    for (const connection of this.#connections.values()) connection.destroy()
  }

  #server(name: ConnectionName): Address {
    const server = this.#servers['abcd'.indexOf(name) % this.#servers.length]
    if (server === undefined) throw new Error('There is no server')
    return server
  }

  async #connection(name: ConnectionName): Promise<JuteConnection> {
    const known = this.#connections.get(name)
    if (known !== undefined) return known
    const connection = await JuteConnection.connect(this.#server(name))
    this.#connections.set(name, connection)
    if (connection.welcome !== undefined) this.#welcomes.set(name, connection.welcome)
    return connection
  }

  async #perform(step: Step): Promise<void> {
    const { by } = step
    switch (step.type) {
      case 'ask': {
        const connection = await this.#connection(by)
        const xids = connection.send(...step.requests)
        const asked = this.#asked.get(by) ?? new Map<number, Request>()
        this.#asked.set(by, asked)
        for (const [i, xid] of xids.entries()) asked.set(xid, step.requests[i] as Request)
        await connection.answered(xids)
        if (step.ends) await this.#untilClosed(by, connection)
        return
      }
      case 'connect': {
        const connection = await JuteConnection.open(this.#server(by))
        this.#connections.set(by, connection)
        const welcome = await connection.greet(this.#handshake(step.handshake))
        this.#say(
          by,
          welcome === undefined ? 'refused' : this.#welcomeText(welcome, step.handshake),
        )
        if (welcome !== undefined && welcome.timeoutMs > 0) this.#welcomes.set(by, welcome)
        else await this.#untilClosed(by, connection)
        return
      }
      case 'drop': {
        const connection = await this.#connection(by)
        connection.destroy()
        await connection.untilClosed()
        this.#connections.delete(by)
        this.#seen.delete(by)
        return
      }
      case 'break': {
        const connection = await this.#connection(by)
        connection.write(step.bytes)
        await this.#untilClosed(by, connection)
        return
      }
    }
  }

  /** A server that does not is a difference like any other. */
  async #untilClosed(by: ConnectionName, connection: JuteConnection): Promise<void> {
    if (!(await connection.closesWithin(closeMs))) this.#say(by, 'still open')
  }

  /** What the step made others see has reached them, once their server is as far as the asker's. */
  async #settle(by: ConnectionName): Promise<void> {
    this.#collect(by)
    for (const [name, connection] of this.#connections) {
      if (name === by || connection.closed) continue
      await connection.answered(
        connection.send({ op: 'sync', fields: { path: '/' }, xid: settleXid }),
      )
      this.#collect(name)
    }
  }

  #collect(name: ConnectionName): void {
    const received = this.#connections.get(name)?.received ?? []
    for (const one of received.slice(this.#seen.get(name) ?? 0)) {
      if (one.type === 'reply' && one.xid === settleXid) continue
      const request = one.type === 'reply' ? this.#asked.get(name)?.get(one.xid) : undefined
      this.#entries.push({ type: 'received', by: name, received: one, request })
    }
    this.#seen.set(name, received.length)
  }

  #say(by: ConnectionName, text: string): void {
    this.#entries.push({ type: 'text', by, text })
  }

  #handshake(attach: Attach): Handshake {
    const { sessionOf, password = 'of the session', sessionId, ...rest } = attach
    const session = sessionOf === undefined ? undefined : this.#welcomes.get(sessionOf)
    const own = session?.password ?? Buffer.alloc(16)
    const passwords = {
      'of the session': own,
      wrong: Buffer.from(own).fill(7),
      empty: Buffer.alloc(0),
      null: null,
      short: own.subarray(0, 5),
    }
    return {
      ...rest,
      sessionId: sessionId ?? session?.sessionId ?? 0n,
      password: passwords[password],
    }
  }

  #welcomeText(welcome: Welcome, { sessionOf }: Attach): string {
    const old = sessionOf === undefined ? undefined : this.#welcomes.get(sessionOf)
    const { sessionId, password, ...rest } = welcome
    const session =
      sessionId === 0n ? 'none' : sessionId === old?.sessionId ? 'the same' : 'a new one'
    const zeros = password?.every((byte) => byte === 0)
    const same = old?.password != null && password?.equals(old.password)
    const passwordText = `${password?.length} bytes, ${same ? 'the same' : zeros ? 'zeros' : 'new'}`
    return `welcome ${JSON.stringify({ ...rest, session, password: passwordText })}`
  }

  // --- the transcript ----------------------------------------------------------------------------

  lines(): string[] {
    const zxids = new Set<bigint>()
    const collect = (_: string, value: unknown) => {
      if (!(value instanceof Zxid)) return value
      zxids.add(value.value)
      return undefined
    }
    const entries = this.#entries.map((entry) => ({ by: entry.by, what: this.#readable(entry) }))
    JSON.stringify(entries, collect)
    const ranked = [...zxids].filter((zxid) => zxid > 0n).sort((x, y) => (x < y ? -1 : 1))
    const rank = (_: string, value: unknown) => {
      if (!(value instanceof Zxid)) return value
      return value.value > 0n ? `z${ranked.indexOf(value.value) + 1}` : Number(value.value)
    }
    const { normalize = (line: string) => line } = this.#operation
    return entries.map(({ by, what }) => {
      const text = typeof what === 'string' ? what : JSON.stringify(what, rank)
      return normalize(`${by}: ${text.replaceAll(this.#at, '~')}`)
    })
  }

  #readable(entry: Entry): unknown {
    if (entry.type === 'text') return entry.text
    const { received, request } = entry
    switch (received.type) {
      case 'closed':
        return 'closed'
      case 'event': {
        const zxid = this.#operation.eventZxids ? { zxid: new Zxid(received.zxid) } : {}
        return {
          event: eventNames[received.event],
          state: received.state,
          path: received.path,
          ...zxid,
        }
      }
      case 'reply':
        return this.#reply(received, request)
    }
  }

  #reply(reply: Extract<Received, { type: 'reply' }>, request: Request | undefined): unknown {
    const { xid, zxid, err, body } = reply
    if (request === undefined) return { answerTo: xid, err }
    const name = request.op
    const head = { [name]: err === 0 ? 'OK' : (errorNames.get(err) ?? err) }
    if (typeof name === 'number' || err !== 0) return { ...head, bytes: body.length }
    const reader = new Reader(body)
    const fields = this.#plain(name, reader.fields(operations[name].reply))
    const rest = reader.left > 0 ? { bytesLeft: reader.left } : {}
    // A read says how far its server is, in which nothing else of the row may show.
    const ownZxid = writes.has(name) ? { zxid: new Zxid(zxid) } : {}
    return { ...head, ...ownZxid, ...(fields as object), ...rest }
  }

  #plain(key: string, value: unknown): unknown {
    if (value instanceof Buffer) return bytesText(value)
    if (Array.isArray(value)) {
      const plain = value.map((one) => this.#plain(key, one))
      return unordered.has(key) ? sorted(plain) : plain
    }
    if (typeof value === 'bigint') return this.#long(key, value)
    if (typeof value !== 'object' || value === null) {
      return key === 'code' || key === 'err' ? errorText(value as number) : value
    }
    const entries = Object.entries(value).map(([name, one]) => [name, this.#plain(name, one)])
    const times = 'mtime' in value ? { times: timesText(value as never) } : {}
    const { ctime: _, mtime: __, ...plain } = Object.fromEntries(entries)
    return { ...plain, ...times }
  }

  #long(key: string, value: bigint): unknown {
    if (key !== 'ephemeralOwner' || value === 0n) return new Zxid(value)
    for (const [name, { sessionId }] of this.#welcomes) if (sessionId === value) return `of ${name}`
    return 'of somebody'
  }
}

/** A server that wants to close does it at once. */
const closeMs = 2000

/** Of requests that are no part of the row. */
const settleXid = 1_000_000

class Zxid {
  readonly value: bigint

  constructor(value: bigint) {
    this.value = value
  }
}

const eventNames: Readonly<Record<number, string>> = {
  1: 'NodeCreated',
  2: 'NodeDeleted',
  3: 'NodeDataChanged',
  4: 'NodeChildrenChanged',
}

const errorNames = new Map(Object.entries(errorCodes).map(([name, code]) => [code as number, name]))

const writes = new Set<OperationName>([
  ...(['create', 'create2', 'createContainer', 'createTTL', 'delete'] as const),
  ...(['setData', 'setACL', 'multi', 'closeSession'] as const),
])

/** Lists whose order has no meaning. */
const unordered = new Set(['children', 'paths', 'ids'])

function sorted(values: readonly unknown[]): unknown[] {
  return values.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}

function errorText(code: number): string | number {
  return code === 0 ? 0 : (errorNames.get(code) ?? code)
}

function bytesText(bytes: Buffer): string {
  return bytes.length > 200 ? `${bytes.length} bytes` : bytes.toString('latin1')
}

function timesText(stat: Readonly<Record<'ctime' | 'mtime' | 'czxid' | 'mzxid', bigint>>): string {
  const { ctime, mtime, czxid, mzxid } = stat
  if (ctime === 0n && mtime === 0n) return 'none'
  if (Math.abs(Number(ctime) - Date.now()) > 600_000) return `not now: ${ctime}`
  if (czxid === mzxid) return ctime === mtime ? 'ok' : 'of its creation, but different'
  return mtime >= ctime ? 'ok' : 'changed before it was created'
}
