// The simplest model of a tree: an independent implementation of src/daemon/ztree and prep, with
// which the answers of a whole run are compared. Semantics as in ZooKeeper's PrepRequestProcessor.

import { errorCodes } from '../../../src/protocol/error-codes.ts'
import { basename, parentOf } from '../../../src/protocol/path.ts'
import type { MultiResult, ReplyBody, Request, WriteOp } from '../../../src/protocol/zk/messages.ts'

interface Node {
  data: string | null
  version: number
  czxid: number
  mzxid: number
  pzxid: number
  owner: number
  /** children ever created, which number sequential names */
  created: number
  readonly children: Set<string>
}

export type ModelWrite = WriteOp | Extract<Request, { type: 'multi' }>
export type Written =
  | MultiResult
  | { readonly type: 'multi'; readonly results: readonly MultiResult[] }

/** One change, for watches. */
export interface Change {
  readonly type: 'created' | 'deleted' | 'data' | 'children'
  readonly path: string
}

export const configPath = '/zookeeper/config'

export class TreeModel {
  nodes = new Map<string, Node>()
  readonly sessions = new Set<number>()
  changes: Change[] = []

  /** @param config what `/zookeeper/config` shows before any change, if the ensemble may change */
  constructor(config?: { readonly version: number; readonly text: string }) {
    for (const path of ['/', '/zookeeper', configPath, '/zookeeper/quota']) {
      this.#put(path, { data: '', zxid: 0, owner: 0 })
    }
    for (const node of this.nodes.values()) node.created = 0
    // As in ZooKeeper, the field was never set.
    const node = this.nodes.get(configPath)
    if (node === undefined) return
    node.version = -1
    if (config === undefined) return
    node.data = `${config.text}\nversion=${config.version.toString(16)}`
    node.mzxid = config.version
  }

  /** What `/zookeeper/config` shows. */
  get configuration(): string {
    return this.nodes.get(configPath)?.data ?? ''
  }

  /** A change of the ensemble. */
  reconfigure(zxid: number, shown: string): void {
    const node = this.nodes.get(configPath)
    if (node === undefined) return
    node.data = shown
    node.mzxid = zxid
    this.changes = [{ type: 'data', path: configPath }]
  }

  /** @returns the answer to the write; an error changes nothing */
  write(zxid: number, session: number, request: ModelWrite): Written {
    this.changes = []
    if (request.type !== 'multi') return this.#one(zxid, session, request)
    const before = this.#copy()
    const results: MultiResult[] = []
    for (const [index, op] of request.ops.entries()) {
      const result = this.#one(zxid, session, op)
      if (result.type !== 'error') {
        results.push(result)
        continue
      }
      this.nodes = before
      this.changes = []
      return { type: 'multi', results: failed(result.code, index, request.ops.length) } as const
    }
    return { type: 'multi', results } as const
  }

  /** The same answer, without changing the tree. */
  tryWrite(zxid: number, session: number, request: ModelWrite): Written {
    const before = this.#copy()
    const written = this.write(zxid, session, request)
    this.nodes = before
    this.changes = []
    return written
  }

  closeSession(zxid: number, session: number): string[] {
    this.changes = []
    this.sessions.delete(session)
    const owned = [...this.nodes].filter(([, { owner }]) => owner === session)
    const paths = owned.map(([path]) => path).sort()
    for (const path of paths) this.#remove(zxid, path)
    return paths
  }

  read(request: Request): ReplyBody | undefined {
    switch (request.type) {
      case 'getData':
      case 'exists':
      case 'getChildren':
        if (this.nodes.has(request.path)) return undefined
        return { type: 'error', code: errorCodes.NONODE }
      default:
        return undefined
    }
  }

  #one(zxid: number, session: number, op: WriteOp): MultiResult {
    switch (op.type) {
      case 'create':
        return this.#create(zxid, session, op)
      case 'delete': {
        const node = this.nodes.get(op.path)
        if (node === undefined) return error('NONODE')
        if (op.version !== -1 && op.version !== node.version) return error('BADVERSION')
        if (node.children.size > 0) return error('NOTEMPTY')
        this.#remove(zxid, op.path)
        return { type: 'delete' }
      }
      case 'setData': {
        const node = this.nodes.get(op.path)
        if (node === undefined) return error('NONODE')
        if (op.version !== -1 && op.version !== node.version) return error('BADVERSION')
        node.data = textOf(op.data)
        node.version++
        node.mzxid = zxid
        this.changes.push({ type: 'data', path: op.path })
        return { type: 'setData', stat: this.#stat(op.path) }
      }
      case 'check': {
        const node = this.nodes.get(op.path)
        if (node === undefined) return error('NONODE')
        if (op.version !== -1 && op.version !== node.version) return error('BADVERSION')
        return { type: 'check' }
      }
    }
  }

  #create(zxid: number, session: number, op: Extract<WriteOp, { type: 'create' }>): MultiResult {
    const parent = this.nodes.get(parentOf(op.path))
    if (parent === undefined) return error('NONODE')
    const number = String(parent.created).padStart(10, '0')
    const path = op.mode.endsWith('Sequential') ? op.path + number : op.path
    if (this.nodes.has(path)) return error('NODEEXISTS')
    if (parent.owner !== 0) return error('NOCHILDRENFOREPHEMERALS')
    const owner = op.mode.startsWith('ephemeral') ? session : 0
    this.#put(path, { data: textOf(op.data), zxid, owner })
    this.changes.push({ type: 'created', path }, { type: 'children', path: parentOf(path) })
    return { type: 'create', path, stat: this.#stat(path) }
  }

  #put(path: string, { data, zxid, owner }: { data: string | null; zxid: number; owner: number }) {
    const node: Node = {
      data,
      version: 0,
      czxid: zxid,
      mzxid: zxid,
      pzxid: zxid,
      owner,
      created: 0,
      children: new Set(),
    }
    this.nodes.set(path, node)
    if (path === '/') return
    const parent = this.nodes.get(parentOf(path))
    parent?.children.add(basename(path))
    if (parent === undefined) return
    parent.created++
    parent.pzxid = zxid
  }

  #remove(zxid: number, path: string): void {
    this.nodes.delete(path)
    const parent = this.nodes.get(parentOf(path))
    parent?.children.delete(basename(path))
    if (parent !== undefined) parent.pzxid = zxid
    this.changes.push({ type: 'deleted', path }, { type: 'children', path: parentOf(path) })
  }

  #copy(): Map<string, Node> {
    return new Map(
      [...this.nodes].map(([path, node]) => [path, { ...node, children: new Set(node.children) }]),
    )
  }

  /** The part that `describeStat` shows. */
  #stat(path: string): never {
    return this.stat(path) as never
  }

  stat(path: string) {
    const node = this.nodes.get(path)
    if (node === undefined) return undefined
    const { czxid, mzxid, pzxid, version, owner, children } = node
    return { czxid, mzxid, pzxid, version, ephemeralOwner: owner, numChildren: children.size }
  }
}

export function textOf(data: Uint8Array | null): string | null {
  return data === null ? null : Buffer.from(data).toString('latin1')
}

function error(code: keyof typeof errorCodes): Extract<MultiResult, { type: 'error' }> {
  return { type: 'error', code: errorCodes[code] }
}

function failed(
  code: Extract<MultiResult, { type: 'error' }>['code'],
  at: number,
  count: number,
): MultiResult[] {
  return Array.from({ length: count }, (_, i) => {
    if (i < at) return error('OK')
    return i === at ? { type: 'error', code } : error('RUNTIMEINCONSISTENCY')
  })
}
