// A small tree model whose clients record their operations: it makes correct histories, and, since
// its state can be restored, incorrect ones.

import { basename, parentOf } from '../../src/protocol/path.ts'
import type { SessionId, Stat } from '../../src/protocol/records.ts'
import type { CreateMode } from '../../src/protocol/zk/messages.ts'
import type { Zxid } from '../../src/protocol/zxid.ts'
import { nameFor, valueFor } from './facts.ts'
import { type Call, type Outcome, Recorder, type Sight, type WriteCall } from './history.ts'

type Znode = { -readonly [Key in keyof Stat]: Stat[Key] } & { data: string; created: number }
export type State = { readonly znodes: Map<string, Znode>; zxid: number }

const noSession = 0 as SessionId

export class Model {
  readonly history = new Recorder()
  state: State = { znodes: new Map(), zxid: 0x1_0000_0000 }

  constructor() {
    this.state.znodes.set('/', this.#znode('', noSession))
  }

  /** A copy of the current state, to return to or to read from. */
  copy(): State {
    return structuredClone(this.state)
  }

  client(name: string, session: number): ModelClient {
    return new ModelClient(this, name, session as SessionId)
  }

  /** @throws Error with a code if the operation is not possible */
  apply(write: WriteCall, session: SessionId, zxid = ++this.state.zxid): Sight | undefined {
    const { znodes } = this.state
    this.state.zxid = zxid
    if (write.type === 'create') {
      const parent = znodes.get(parentOf(write.path)) as Znode
      const sequential = write.mode.endsWith('Sequential')
      const number = String(parent.created).padStart(10, '0')
      const path = sequential ? write.path + number : write.path
      const znode = this.#znode(
        write.data,
        write.mode.startsWith('ephemeral') ? session : noSession,
      )
      znodes.set(path, znode)
      parent.created++
      parent.cversion++
      parent.pzxid = znode.czxid
      return this.sight(path, this.state, 'data')
    }
    if (write.type === 'delete') {
      znodes.delete(write.path)
      const parent = znodes.get(parentOf(write.path)) as Znode
      parent.cversion++
      parent.pzxid = zxid as Zxid
      return undefined
    }
    const znode = znodes.get(write.path) as Znode
    if (write.version >= 0 && write.version !== znode.version) throw new Error('BADVERSION')
    znode.version++
    znode.data = write.data
    znode.mzxid = zxid as Zxid
    return this.sight(write.path, this.state, 'data')
  }

  sight(path: string, state: State, of: 'data' | 'children'): Sight {
    const { data, created: _, ...stat } = state.znodes.get(path) as Znode
    if (of === 'data') return { path, stat, data }
    const below = [...state.znodes.keys()].filter((key) => key !== '/' && parentOf(key) === path)
    return { path, stat, children: below.map(basename) }
  }

  endSession(session: SessionId): void {
    const owned = [...this.state.znodes].filter(([, { ephemeralOwner }]) => {
      return session === ephemeralOwner
    })
    const zxid = this.state.zxid + 1
    for (const [path] of owned) this.apply({ type: 'delete', path, version: -1 }, session, zxid)
  }

  #znode(data: string, ephemeralOwner: SessionId): Znode {
    const zxid = this.state.zxid as Zxid
    const none = { version: 0, cversion: 0, aversion: 0, dataLength: 0, numChildren: 0, created: 0 }
    const times = { czxid: zxid, mzxid: zxid, pzxid: zxid, ctime: 0, mtime: 0 }
    return { ...none, ...times, data, ephemeralOwner }
  }
}

export class ModelClient {
  readonly #model: Model
  readonly name: string
  readonly session: SessionId

  constructor(model: Model, name: string, session: SessionId) {
    this.#model = model
    this.name = name
    this.session = session
  }

  /** Begins an operation whose outcome the caller decides. */
  begin(call: Call): (outcome: Outcome, session?: SessionId) => void {
    const end = this.#model.history.begin(this.name, call)
    return (outcome, session = this.session) => end(outcome, session)
  }

  /** The call that the next operation would be. */
  setting(path: string, version: number): WriteCall {
    return { type: 'setData', path, version, data: valueFor(this.#model.history.nextOperation) }
  }

  creating(parent: string, mode: CreateMode): WriteCall {
    const id = this.#model.history.nextOperation
    const name = nameFor(id, { sequential: mode.endsWith('Sequential') })
    return {
      type: 'create',
      path: `${parent === '/' ? '' : parent}/${name}`,
      data: valueFor(id),
      mode,
    }
  }

  register(path: string): void {
    const data = valueFor(this.#model.history.nextOperation)
    this.write({ type: 'create', path, data, mode: 'persistent' })
  }

  /** @returns the path, with its number */
  write(write: WriteCall): string {
    const end = this.begin(write)
    try {
      const sight = this.#model.apply(write, this.session)
      end({ type: 'ok', sights: sight === undefined ? [] : [sight] })
      return sight?.path ?? write.path
    } catch {
      end({ type: 'refused', code: 'BADVERSION' })
      return write.path
    }
  }

  /** `happens`: whether it is applied without an answer */
  writeUnknown(write: WriteCall, { happens }: { readonly happens: boolean }): void {
    this.begin(write)
    if (happens) this.#model.apply(write, this.session)
  }

  set(path: string, version: number): void {
    this.write(this.setting(path, version))
  }

  create(parent: string, mode: CreateMode): string {
    return this.write(this.creating(parent, mode))
  }

  multi(calls: readonly WriteCall[]): void {
    const end = this.begin({ type: 'multi', calls })
    const zxid = this.#model.state.zxid + 1
    const sights = calls.map((call) => this.#model.apply(call, this.session, zxid))
    end({ type: 'ok', sights: sights.filter((sight) => sight !== undefined) })
  }

  get(path: string, options: ReadOptions = {}): void {
    this.#read('getData', path, options)
  }

  list(path: string, options: ReadOptions = {}): void {
    this.#read('getChildren', path, options)
  }

  #read(type: 'getData' | 'getChildren', path: string, options: ReadOptions): void {
    const { synced = true, watch, from = this.#model.state } = options
    const end = this.begin({ type, path, synced, watch })
    const sight = this.#model.sight(path, from, type === 'getData' ? 'data' : 'children')
    end({ type: 'ok', sights: [sight] })
  }

  close(): void {
    const end = this.begin({ type: 'closeSession' })
    this.#model.endSession(this.session)
    end({ type: 'ok', sights: [] })
    this.#model.history.sessionOver(this.session)
  }
}

interface ReadOptions {
  readonly synced?: boolean
  readonly watch?: number
  /** a state earlier than the current one */
  readonly from?: State
}
