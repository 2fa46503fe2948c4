// A server that answers every request at once and keeps nothing: enough to test load generators.

import { once } from 'node:events'
import net from 'node:net'
import type { Address } from '../../bench/raw-connection.ts'
import { FrameDecoder } from '../../src/protocol/frame.ts'
import { MsgpackReader, MsgpackWriter } from '../../src/protocol/msgpack.ts'
import { noSession, type ServerId, type SessionId, type Stat } from '../../src/protocol/records.ts'
import type { ReplyBody, Request } from '../../src/protocol/zk/messages.ts'
import {
  decodeHello,
  decodeRequest,
  encodeReply,
  encodeWelcome,
  protocolVersion,
} from '../../src/protocol/zk/native.ts'
import { zxidZero } from '../../src/protocol/zxid.ts'

const stat: Stat = {
  czxid: zxidZero,
  mzxid: zxidZero,
  ctime: 0,
  mtime: 0,
  version: 0,
  cversion: 0,
  aversion: 0,
  ephemeralOwner: noSession,
  dataLength: 0,
  numChildren: 0,
  pzxid: zxidZero,
}

export interface Responder {
  readonly address: Address
  /** in the order of their arrival */
  readonly requests: Request[]
  stop(): void
}

/** Undefined closes the connection. */
export type Answer = (request: Request, xid: number) => { xid: number; body: ReplyBody } | undefined

export async function startResponder(answer: Answer = works): Promise<Responder> {
  const requests: Request[] = []
  const sockets = new Set<net.Socket>()
  const listener = net.createServer((socket) => {
    sockets.add(socket)
    let greeted = false
    const out = new MsgpackWriter()
    const reader = new MsgpackReader()
    const decoder = new FrameDecoder(1 << 20, (buffer, start, end) => {
      reader.reset(buffer, start, end)
      if (!greeted) {
        greeted = true
        const { timeoutMs } = decodeHello(reader)
        out.beginFrame()
        encodeWelcome(out, {
          version: protocolVersion,
          ensembleId: 'responder',
          timeoutMs,
          sessionId: 1 as SessionId,
          password: new Uint8Array(16),
          serverId: 1 as ServerId,
        })
        out.endFrame()
        return
      }
      const { xid, request } = decodeRequest(reader)
      if (request === undefined) throw new Error('an operation that is none')
      requests.push(request)
      const reply = answer(request, xid)
      if (reply === undefined) {
        socket.destroy()
        return
      }
      out.beginFrame()
      encodeReply(out, reply.xid, zxidZero, reply.body)
      out.endFrame()
    })
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      decoder.push(chunk)
      socket.write(Buffer.from(out.view()))
      out.clear()
    })
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as net.AddressInfo
  return {
    address: { host: '127.0.0.1', port },
    requests,
    stop() {
      listener.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

export function works(request: Request, xid: number): { xid: number; body: ReplyBody } {
  switch (request.type) {
    case 'create':
      return { xid, body: { type: 'create', path: request.path, stat } }
    case 'setData':
      return { xid, body: { type: 'setData', stat } }
    case 'getData':
      return { xid, body: { type: 'getData', data: null, stat } }
    case 'sync':
    case 'closeSession':
      return { xid, body: { type: request.type } }
    default:
      throw new Error(`${request.type} is not part of any load`)
  }
}
