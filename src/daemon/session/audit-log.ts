// The audit log: who changed what, in ZooKeeper's lines, for the tools that read them. Each server
// writes what its own clients asked for, once the change is applied here or refused:
//
//   session=0x100000001⇥user=ann,10.0.0.7⇥ip=10.0.0.7⇥operation=create⇥znode=/a⇥znode_type=persistent⇥result=success
//
// `⇥` is a tab. Fields that do not apply are left out. Text of clients is escaped, so that it cannot
// begin a field or a line, and the hashes in an ACL are not shown. Pure but for the sink.
//
// Source: AuditHelper, AuditEvent and ZKAuditProvider of ZooKeeper 3.9.

import { type Acl, perms, type SessionId } from '../../protocol/records.ts'
import type { MultiOp, RequestedMode, WriteRequest } from '../../protocol/zk/messages.ts'
import { maskedAcl } from '../ztree/acl.ts'
import { type Applied, configPath } from '../ztree/ztree.ts'
import { withoutProof } from './authentication.ts'
import type { Client } from './request.ts'

export interface AuditSink {
  /** One line, without its end. */
  line(text: string): void
}

type Operation =
  | 'reconfig'
  | 'create'
  | 'delete'
  | 'setData'
  | 'setAcl'
  | 'multiOperation'
  | 'ephemeralZNodeDeletionOnSessionCloseOrExpire'
  | 'serverStart'
  | 'serverStop'

interface Event {
  readonly session?: SessionId | undefined
  readonly user: string
  readonly ip?: string | undefined
  readonly operation: Operation
  readonly znode?: string | undefined
  readonly mode?: RequestedMode | undefined
  readonly acl?: readonly Acl[] | null | undefined
  readonly result: 'success' | 'failure' | 'invoked'
}

type Asker = Pick<Event, 'session' | 'user' | 'ip'>
type Part = Pick<Event, 'operation' | 'znode' | 'mode' | 'acl'>

/** What a client asked for, until its transaction is applied. */
interface Asked {
  readonly asker: Asker
  readonly type: WriteRequest['type']
  readonly parts: readonly Part[]
}

export class AuditLog {
  readonly #sink: AuditSink
  /** who runs this server: the user of what no client asked for */
  readonly #systemUser: string
  readonly #asked = new Map<number, Asked>()

  constructor(sink: AuditSink, systemUser: string) {
    this.#sink = sink
    this.#systemUser = systemUser
  }

  serverStarted(): void {
    this.#write({ user: this.#systemUser, operation: 'serverStart', result: 'success' })
  }

  serverStops(): void {
    this.#write({ user: this.#systemUser, operation: 'serverStop', result: 'invoked' })
  }

  /** A client of this server asks for a change; `seq` identifies it. Nothing of it is kept but text. */
  asked(seq: number, client: Pick<Client, 'session' | 'identities'>, request: WriteRequest): void {
    const parts = partsOf(request)
    if (parts.length === 0) return
    this.#asked.set(seq, { asker: askerOf(client), type: request.type, parts })
  }

  /** The leader has decided, and the change is applied here, or refused. */
  applied(seq: number, result: Applied): void {
    const asked = this.#asked.get(seq)
    if (asked === undefined) return
    this.#asked.delete(seq)
    const { asker, type, parts } = asked
    const isFailure = result.type === 'error'
    if (type === 'multi' && isFailure) {
      return this.#write(event(asker, { operation: 'multiOperation' }, 'failure'))
    }
    for (const [i, part] of parts.entries()) {
      // A check has changed nothing.
      if (part.operation === 'multiOperation') continue
      const made = pathMade(result, i)
      const named = made === undefined ? part : withPath(part, made)
      this.#write(event(asker, named, isFailure ? 'failure' : 'success'))
    }
  }

  /** A session has ended, and with it its ephemerals. */
  ephemeralsDeleted(session: SessionId, paths: readonly string[]): void {
    const operation = 'ephemeralZNodeDeletionOnSessionCloseOrExpire'
    for (const znode of paths) {
      this.#write({ session, user: this.#systemUser, operation, znode, result: 'success' })
    }
  }

  /** The leader is lost: what it was asked for is never answered here. */
  forget(): void {
    this.#asked.clear()
  }

  #write({ session, user, ip, operation, znode, mode, acl, result }: Event): void {
    const fields = [
      session === undefined ? undefined : `session=0x${session.toString(16)}`,
      `user=${user}`,
      ip === undefined ? undefined : `ip=${escaped(ip)}`,
      `operation=${operation}`,
      znode === undefined ? undefined : `znode=${escaped(znode)}`,
      mode === undefined ? undefined : `znode_type=${modeNames[mode]}`,
      acl === undefined ? undefined : `acl=${aclOf(acl ?? [])}`,
      `result=${result}`,
    ]
    this.#sink.line(fields.filter((field) => field !== undefined).join('\t'))
  }
}

function event(asker: Asker, part: Part, result: Event['result']): Event {
  const { session, user, ip } = asker
  const { operation, znode, mode, acl } = part
  return { session, user, ip, operation, znode, mode, acl, result }
}

function withPath({ operation, mode, acl }: Part, znode: string): Part {
  return { operation, znode, mode, acl }
}

/** Every name that the client has proved, and its address: as ZooKeeper's list of users. */
function askerOf({ session, identities }: Pick<Client, 'session' | 'identities'>): Asker {
  const users = identities.filter(({ scheme }) => scheme !== 'super').map(withoutProof)
  const names = users.map(({ id }) => escaped(id)).filter((name) => name !== '')
  const ip = identities.find(({ scheme }) => scheme === 'ip')?.id
  return { session, user: names.join(), ip }
}

function partsOf(request: WriteRequest): readonly Part[] {
  switch (request.type) {
    case 'multi':
      return request.ops.map(partOf)
    case 'setACL': {
      const { path: znode, acl } = request
      return [{ operation: 'setAcl', znode, acl: acl?.map(copyOf) ?? null }]
    }
    case 'reconfig':
      return [{ operation: 'reconfig', znode: configPath }]
    case 'createSession':
    case 'closeSession':
      return []
    default:
      return [partOf(request)]
  }
}

/** A check in a multi changes nothing, but keeps its place among the results. */
function partOf(op: MultiOp): Part {
  switch (op.type) {
    case 'create':
      return { operation: 'create', znode: op.path, mode: op.mode }
    case 'delete':
      return { operation: 'delete', znode: op.path }
    case 'setData':
      return { operation: 'setData', znode: op.path }
    case 'check':
      return { operation: 'multiOperation', znode: op.path }
  }
}

function copyOf({ perms, scheme, id }: Acl): Acl {
  return { perms, scheme, id }
}

/** The path that a create was given, with its number. */
function pathMade(result: Applied, i: number): string | undefined {
  if (result.type === 'create') return result.path
  if (result.type !== 'multi') return undefined
  const part = result.results[i]
  return part?.type === 'create' ? part.path : undefined
}

const modeNames: Readonly<Record<RequestedMode, string>> = {
  persistent: 'persistent',
  ephemeral: 'ephemeral',
  persistentSequential: 'persistent_sequential',
  ephemeralSequential: 'ephemeral_sequential',
  container: 'container',
  persistentTtl: 'persistent_with_ttl',
  persistentSequentialTtl: 'persistent_sequential_with_ttl',
  unknown: 'unknown',
}

/** `scheme:id:cdrwa`, one after the other as in ZooKeeper; of a digest only the user. */
function aclOf(acl: readonly Acl[]): string {
  return maskedAcl(acl)
    .map(
      ({ perms: granted, scheme, id }) => `${escaped(scheme)}:${escaped(id)}:${lettersOf(granted)}`,
    )
    .join('')
}

const letters = [
  ['c', perms.create],
  ['d', perms.delete],
  ['r', perms.read],
  ['w', perms.write],
  ['a', perms.admin],
] as const

function lettersOf(granted: number): string {
  return letters.map(([letter, bit]) => ((granted & bit) === 0 ? '' : letter)).join('')
}

/** Controls and separators of lines, so that no client writes a line or a field of its own. */
function escaped(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\\]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0
    return code === 0x5c ? '\\\\' : `\\u{${code.toString(16)}}`
  })
}
