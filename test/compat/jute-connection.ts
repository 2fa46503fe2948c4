// ZooKeeper's client protocol from its own documents, implemented a second time, for tests only: a
// mistake that our codec makes in both directions would not be visible through our codec.
//
// Messages are field lists; a value of any shape can be sent, valid or not.

import { once } from 'node:events'
import net from 'node:net'
import type { Address } from '../../src/address.ts'

type Kind =
  | 'int'
  | 'long'
  | 'boolean'
  | 'string'
  | 'buffer'
  | 'strings'
  | 'acls'
  | 'ids'
  | 'stat'
  | 'multi'
  | 'nothing'

type Fields = Readonly<Record<string, Kind>>

const stat: Fields = {
  czxid: 'long',
  mzxid: 'long',
  ctime: 'long',
  mtime: 'long',
  version: 'int',
  cversion: 'int',
  aversion: 'int',
  ephemeralOwner: 'long',
  dataLength: 'int',
  numChildren: 'int',
  pzxid: 'long',
}

const createFields: Fields = { path: 'string', data: 'buffer', acl: 'acls', flags: 'int' }
const created: Fields = { path: 'string', stat: 'stat' }
const readFields: Fields = { path: 'string', watch: 'boolean' }
const watchLists: Fields = {
  relativeZxid: 'long',
  data: 'strings',
  exist: 'strings',
  child: 'strings',
}

interface Operation {
  readonly number: number
  readonly request: Fields
  readonly reply: Fields
}

function op(number: number, request: Fields, reply: Fields): Operation {
  return { number, request, reply }
}

export const operations = {
  create: op(1, createFields, { path: 'string' }),
  create2: op(15, createFields, created),
  createContainer: op(19, createFields, created),
  createTTL: op(21, { ...createFields, ttl: 'long' }, created),
  delete: op(2, { path: 'string', version: 'int' }, {}),
  deleteContainer: op(20, { path: 'string' }, {}),
  exists: op(3, readFields, { stat: 'stat' }),
  getData: op(4, readFields, { data: 'buffer', stat: 'stat' }),
  setData: op(5, { path: 'string', data: 'buffer', version: 'int' }, { stat: 'stat' }),
  getACL: op(6, { path: 'string' }, { acl: 'acls', stat: 'stat' }),
  setACL: op(7, { path: 'string', acl: 'acls', version: 'int' }, { stat: 'stat' }),
  getChildren: op(8, readFields, { children: 'strings' }),
  getChildren2: op(12, readFields, { children: 'strings', stat: 'stat' }),
  sync: op(9, { path: 'string' }, { path: 'string' }),
  ping: op(11, {}, {}),
  check: op(13, { path: 'string', version: 'int' }, {}),
  multi: op(14, { ops: 'multi' }, { results: 'multi' }),
  multiRead: op(22, { ops: 'multi' }, { results: 'multi' }),
  reconfig: op(
    16,
    { joining: 'string', leaving: 'string', newMembers: 'string', version: 'long' },
    { data: 'buffer', stat: 'stat' },
  ),
  checkWatches: op(17, { path: 'string', type: 'int' }, {}),
  removeWatches: op(18, { path: 'string', type: 'int' }, {}),
  auth: op(100, { type: 'int', scheme: 'string', auth: 'buffer' }, {}),
  setWatches: op(101, watchLists, {}),
  setWatches2: op(105, { ...watchLists, persistent: 'strings', recursive: 'strings' }, {}),
  sasl: op(102, { token: 'buffer' }, { token: 'buffer' }),
  getEphemerals: op(103, { prefix: 'string' }, { paths: 'strings' }),
  getAllChildrenNumber: op(104, { path: 'string' }, { count: 'int' }),
  addWatch: op(106, { path: 'string', mode: 'int' }, { err: 'int' }),
  whoAmI: op(107, {}, { ids: 'ids' }),
  closeSession: op(-11, {}, {}),
} as const satisfies Readonly<Record<string, Operation>>

export type OperationName = keyof typeof operations

/** Any operation with any fields; `raw` instead sends these bytes after the header. */
export interface Request {
  readonly op: OperationName | number
  readonly fields?: Readonly<Record<string, unknown>>
  readonly raw?: Buffer
  /** instead of the next one */
  readonly xid?: number
}

export interface AclEntry {
  readonly perms: number
  readonly scheme: string | null
  readonly id: string | null
}

// --- bytes ---------------------------------------------------------------------------------------

class Writer {
  readonly #parts: Buffer[] = []

  bytes(): Buffer {
    return Buffer.concat(this.#parts)
  }

  raw(bytes: Buffer): this {
    this.#parts.push(bytes)
    return this
  }

  int(value: number): this {
    const part = Buffer.alloc(4)
    part.writeInt32BE(value)
    return this.raw(part)
  }

  long(value: bigint): this {
    const part = Buffer.alloc(8)
    part.writeBigInt64BE(BigInt.asIntN(64, value))
    return this.raw(part)
  }

  boolean(value: boolean): this {
    return this.raw(Buffer.from([value ? 1 : 0]))
  }

  buffer(value: Uint8Array | string | null): this {
    if (value === null) return this.int(-1)
    const bytes = Buffer.from(value)
    return this.int(bytes.length).raw(bytes)
  }

  vector<T>(values: readonly T[] | null, write: (value: T) => void): this {
    this.int(values === null ? -1 : values.length)
    for (const value of values ?? []) write(value)
    return this
  }

  fields(kinds: Fields, values: Readonly<Record<string, unknown>>): this {
    for (const [name, kind] of Object.entries(kinds)) this.field(kind, values[name])
    return this
  }

  field(kind: Kind, value: unknown): void {
    switch (kind) {
      case 'int':
        this.int((value as number | undefined) ?? 0)
        return
      case 'long':
        this.long(BigInt((value as number | bigint | undefined) ?? 0))
        return
      case 'boolean':
        this.boolean(value === true)
        return
      case 'string':
      case 'buffer':
        this.buffer((value as string | null | undefined) ?? null)
        return
      case 'strings':
        this.vector(value as string[] | null, (one) => this.buffer(one))
        return
      case 'acls':
        this.vector(value as AclEntry[] | null, ({ perms, scheme, id }) =>
          this.int(perms).buffer(scheme).buffer(id),
        )
        return
      case 'multi':
        for (const part of value as Request[]) {
          this.int(numberOf(part)).boolean(false).int(-1)
          this.raw(bodyOf(part))
        }
        this.int(-1).boolean(true).int(-1)
        return
      case 'ids':
      case 'stat':
      case 'nothing':
        throw new Error(`No request has a field of kind ${kind}`)
    }
  }
}

function numberOf({ op }: Request): number {
  return typeof op === 'number' ? op : operations[op].number
}

function bodyOf({ op, fields = {}, raw }: Request): Buffer {
  if (raw !== undefined || typeof op === 'number') return raw ?? Buffer.alloc(0)
  return new Writer().fields(operations[op].request, fields).bytes()
}

export class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  int(): number {
    this.#at += 4
    return this.#bytes.readInt32BE(this.#at - 4)
  }

  long(): bigint {
    this.#at += 8
    return this.#bytes.readBigInt64BE(this.#at - 8)
  }

  boolean(): boolean {
    this.#at += 1
    return this.#bytes.readUInt8(this.#at - 1) !== 0
  }

  buffer(): Buffer | null {
    const length = this.int()
    if (length === -1) return null
    if (length < 0 || length > this.left) throw new Error(`A buffer of ${length} bytes`)
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  string(): string | null {
    return this.buffer()?.toString() ?? null
  }

  vector<T>(read: () => T): T[] | null {
    const length = this.int()
    return length === -1 ? null : Array.from({ length }, read)
  }

  fields(kinds: Fields): Record<string, unknown> {
    return Object.fromEntries(Object.entries(kinds).map(([name, kind]) => [name, this.field(kind)]))
  }

  field(kind: Kind): unknown {
    switch (kind) {
      case 'int':
        return this.int()
      case 'long':
        return this.long()
      case 'boolean':
        return this.boolean()
      case 'string':
        return this.string()
      case 'buffer':
        return this.buffer()
      case 'strings':
        return this.vector(() => this.string())
      case 'acls':
        return this.vector(() => ({ perms: this.int(), scheme: this.string(), id: this.string() }))
      case 'ids':
        return this.vector(() => ({ scheme: this.string(), id: this.string() }))
      case 'stat':
        return this.fields(stat)
      case 'multi':
        return this.#results()
      case 'nothing':
        return undefined
    }
  }

  #results(): unknown[] {
    const results: unknown[] = []
    for (;;) {
      const [type, done, err] = [this.int(), this.boolean(), this.int()]
      if (done) return results
      results.push({ type, err, ...this.fields(resultFields(type)) })
    }
  }
}

function resultFields(type: number): Fields {
  if (type === -1) return { code: 'int' }
  const found = Object.values(operations).find(({ number }) => number === type)
  if (found === undefined) throw new Error(`A result of type ${type}`)
  return found.reply
}

// --- a connection --------------------------------------------------------------------------------

export type Received =
  | {
      readonly type: 'reply'
      readonly xid: number
      readonly zxid: bigint
      readonly err: number
      readonly body: Buffer
    }
  | {
      readonly type: 'event'
      readonly zxid: bigint
      readonly event: number
      readonly state: number
      readonly path: string | null
    }
  | { readonly type: 'closed' }

export interface Handshake {
  readonly protocolVersion?: number
  readonly lastZxidSeen?: bigint
  readonly timeoutMs?: number
  readonly sessionId?: bigint
  readonly password?: Uint8Array | null
  /** undefined leaves the byte out, as clients up to 3.3 did */
  readonly readOnly?: boolean | undefined
}

export interface Welcome {
  readonly protocolVersion: number
  readonly timeoutMs: number
  readonly sessionId: bigint
  readonly password: Buffer | null
  readonly readOnly: boolean | undefined
}

const patienceMs = 20_000

export class JuteConnection {
  readonly #socket: net.Socket
  readonly received: Received[] = []
  welcome: Welcome | undefined
  #input = Buffer.alloc(0)
  #nextXid = 1
  #wake: () => void = () => undefined
  #closed = false

  private constructor(socket: net.Socket) {
    this.#socket = socket
    socket.on('data', (chunk) => {
      this.#input = Buffer.concat([this.#input, chunk])
      for (;;) {
        if (this.#input.length < 4) break
        const end = 4 + this.#input.readInt32BE(0)
        if (this.#input.length < end) break
        this.#frame(Buffer.from(this.#input.subarray(4, end)))
        this.#input = this.#input.subarray(end)
      }
      this.#wake()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#closed = true
      this.received.push({ type: 'closed' })
      this.#wake()
    })
  }

  static async open({ host, port }: Address): Promise<JuteConnection> {
    const socket = net.connect({ host, port, noDelay: true })
    await once(socket, 'connect')
    return new JuteConnection(socket)
  }

  /** The usual connection, with a new session. */
  static async connect(address: Address, handshake: Handshake = {}): Promise<JuteConnection> {
    const connection = await JuteConnection.open(address)
    const welcome = await connection.greet({ readOnly: false, ...handshake })
    if (welcome === undefined) throw new Error('The server closed a new connection')
    return connection
  }

  get closed(): boolean {
    return this.#closed
  }

  /** @returns undefined when the server closed instead */
  async greet(handshake: Handshake): Promise<Welcome | undefined> {
    this.write(handshakeFrame(handshake))
    await this.#until('a handshake is answered', () => this.welcome !== undefined || this.#closed)
    return this.welcome
  }

  /** Bytes as they are. */
  write(bytes: Uint8Array): void {
    this.#socket.write(bytes)
  }

  /** All in one write. @returns their xids */
  send(...requests: readonly Request[]): number[] {
    const xids = requests.map(({ xid }) => xid ?? this.#nextXid++)
    this.write(Buffer.concat(requests.map((request, i) => requestFrame(xids[i] ?? 0, request))))
    return xids
  }

  /** Until all of these are answered, or the connection ended. */
  async answered(xids: readonly number[]): Promise<void> {
    const answers = () => this.received.filter(({ type }) => type === 'reply').length
    const wanted = this.#answeredCount + xids.length
    await this.#until(`${xids.join()} are answered`, () => answers() >= wanted || this.#closed)
    this.#answeredCount = answers()
  }

  #answeredCount = 0

  /** One request by itself. @throws Error when there is no answer, or one with an error */
  async ask(name: OperationName, fields: Readonly<Record<string, unknown>> = {}) {
    const [xid = 0] = this.send({ op: name, fields })
    await this.answered([xid])
    const reply = this.received.findLast((one) => one.type === 'reply' && one.xid === xid)
    if (reply?.type !== 'reply') throw new Error(`${name} was not answered: the connection ended`)
    if (reply.err !== 0) throw Object.assign(new Error(`${name}: ${reply.err}`), { err: reply.err })
    return new Reader(reply.body).fields(operations[name].reply)
  }

  async untilClosed(): Promise<void> {
    await this.#until('the server closes the connection', () => this.#closed)
  }

  async closesWithin(timeoutMs: number): Promise<boolean> {
    await this.#wait(timeoutMs, () => this.#closed)
    return this.#closed
  }

  async untilEvent(path: string): Promise<void> {
    const seen = () => this.received.some((one) => one.type === 'event' && one.path === path)
    await this.#until(`there is an event at ${path}`, seen)
  }

  /** Disconnects as a client that dies. */
  destroy(): void {
    this.#socket.destroy()
  }

  async #until(what: string, done: () => boolean): Promise<void> {
    await this.#wait(patienceMs, done)
    if (!done()) throw new Error(`Cannot wait any longer: until ${what}`)
  }

  async #wait(timeoutMs: number, done: () => boolean): Promise<void> {
    let timeIsUp = false
    const timer = setTimeout(() => {
      timeIsUp = true
      this.#wake()
    }, timeoutMs)
    while (!done() && !timeIsUp) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    clearTimeout(timer)
  }

  #frame(frame: Buffer): void {
    const reader = new Reader(frame)
    if (this.welcome === undefined) {
      this.welcome = {
        protocolVersion: reader.int(),
        timeoutMs: reader.int(),
        sessionId: reader.long(),
        password: reader.buffer(),
        readOnly: reader.left > 0 ? reader.boolean() : undefined,
      }
      return
    }
    const [xid, zxid, err] = [reader.int(), reader.long(), reader.int()]
    if (xid === -1) {
      const [event, state, path] = [reader.int(), reader.int(), reader.string()]
      this.received.push({ type: 'event', zxid, event, state, path })
    } else {
      this.received.push({ type: 'reply', xid, zxid, err, body: frame.subarray(16) })
    }
  }
}

export function handshakeFrame(handshake: Handshake): Buffer {
  const { readOnly } = handshake
  const body = new Writer()
    .int(handshake.protocolVersion ?? 0)
    .long(handshake.lastZxidSeen ?? 0n)
    .int(handshake.timeoutMs ?? 10_000)
    .long(handshake.sessionId ?? 0n)
    .buffer(handshake.password === undefined ? Buffer.alloc(16) : handshake.password)
  if (readOnly !== undefined) body.boolean(readOnly)
  return framed(body.bytes())
}

export function requestFrame(xid: number, request: Request): Buffer {
  return framed(new Writer().int(xid).int(numberOf(request)).raw(bodyOf(request)).bytes())
}

export function framed(body: Buffer): Buffer {
  return new Writer().int(body.length).raw(body).bytes()
}
