// A client as the request processors see it, without connection, bytes or dialect.

import { addressIdentity } from '../../src/daemon/session/authentication.ts'
import { ConnectionStats } from '../../src/daemon/session/connection-stats.ts'
import type { PendingRequest, WritableClient } from '../../src/daemon/session/request.ts'
import { Fifo } from '../../src/fifo.ts'
import { digestOf } from '../../src/protocol/digest.ts'
import { type ErrorNumber, errorCodeOf } from '../../src/protocol/error-codes.ts'
import { type Acl, type Id, noSession, perms, type SessionId } from '../../src/protocol/records.ts'
import type { Hello, Request, ServedReply, WatchEvent } from '../../src/protocol/zk/messages.ts'
import { type Zxid, zxidZero } from '../../src/protocol/zxid.ts'
import type { FakeServer } from './fake-client.ts'

export class PlainClient implements WritableClient {
  readonly #server: FakeServer
  session: SessionId = noSession
  attached = false
  timeoutMs = 0
  password: Uint8Array = new Uint8Array(0)
  identities: readonly Id[] = [addressIdentity('127.0.0.1')]
  readonly stats = new ConnectionStats(0)
  readonly queue = new Fifo<PendingRequest>()
  congested = false
  throttled = false
  touched = true
  closed = false
  /** As text: `welcome`, `getData`, `exists NOAUTH`, `event NodeCreated /a`, `closed` … */
  #heard: string[] = []
  readonly replies: { readonly zxid: Zxid; readonly body: ServedReply }[] = []
  #xid = 0
  readonly #asked: Request['type'][] = []

  constructor(server: FakeServer) {
    this.#server = server
  }

  hello(hello: Partial<Hello> = {}): this {
    this.#server.processors.open(this, {
      ensembleId: undefined,
      lastZxidSeen: zxidZero,
      timeoutMs: 10_000,
      sessionId: noSession,
      password: new Uint8Array(0),
      readOnly: false,
      ...hello,
    })
    return this
  }

  ask(...requests: readonly Request[]): this {
    for (const request of requests) {
      if (this.closed) return this
      this.touched = true
      this.#asked.push(request.type)
      this.#server.processors.submit(this, ++this.#xid, request, 100)
    }
    return this
  }

  /** What was received since the last call. */
  take(): string[] {
    const heard = this.#heard
    this.#heard = []
    return heard
  }

  /** @returns the answer to a request that is answered immediately */
  answer(request: Request): ServedReply {
    this.ask(request)
    const reply = this.replies.at(-1)
    if (reply === undefined || this.queue.length > 0) throw new Error('no answer')
    return reply.body
  }

  // --- Client -----------------------------------------------------------------------------------

  welcome(_session: SessionId, _timeoutMs: number, password: Uint8Array): void {
    this.password = password
    this.#heard.push('welcome')
  }

  refuse(): void {
    this.#heard.push('expired')
    this.close()
  }

  reply(xid: number, zxid: Zxid, body: ServedReply): void {
    if (this.closed) return
    if (xid !== this.replies.length + 1) throw new Error(`xid ${xid} is answered out of order`)
    this.replies.push({ zxid, body })
    const type = this.#asked[xid - 1]
    this.#heard.push(body.type === 'error' ? `${type} ${errorCodeOf(body.code)}` : `${type}`)
  }

  notify({ type, path }: WatchEvent): void {
    if (!this.closed) this.#heard.push(`event ${type} ${path}`)
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    this.#heard.push('closed')
    this.#server.processors.closed(this)
  }

  proceed(): void {
    // It holds nothing back.
  }

  throttle(): void {
    this.throttled = true
  }

  unthrottle(): void {
    this.throttled = false
  }

  takeTouched(): boolean {
    const { touched } = this
    this.touched = false
    return touched
  }
}

/** A client that was already welcomed, and optionally authenticated. */
export function connected(server: FakeServer, ...credentials: readonly string[]): PlainClient {
  const client = new PlainClient(server).hello()
  for (const credential of credentials) client.ask(auth(credential))
  const [first] = client.take()
  if (first !== 'welcome') throw new Error(`the client was not welcomed: ${first}`)
  return client
}

export function auth(credential: string, scheme = 'digest'): Request {
  return { type: 'auth', scheme, credential: Buffer.from(credential) }
}

/** An ACL entry for `user:password` with the permissions of the letters: `ann:1 rw`. */
export function allow(...entries: readonly string[]): Acl[] {
  return entries.map((entry) => {
    const [who = '', letters = ''] = entry.split(' ')
    const bits = [...letters].map((letter) => bitOf[letter] ?? 0)
    const granted = bits.reduce((sum, bit) => sum | bit, 0)
    if (who === 'anyone') return { perms: granted, scheme: 'world', id: who }
    return { perms: granted, scheme: 'digest', id: digestOf(Buffer.from(who)) }
  })
}

const bitOf: Readonly<Record<string, number>> = {
  c: perms.create,
  d: perms.delete,
  r: perms.read,
  w: perms.write,
  a: perms.admin,
}

export function createWith(acl: readonly Acl[], path: string, data = ''): Request {
  return { type: 'create', path, data: Buffer.from(data), mode: 'persistent', acl }
}

export function refused(code: ErrorNumber): Request {
  return { type: 'refused', code }
}
