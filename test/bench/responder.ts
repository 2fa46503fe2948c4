// A server that answers every request at once and keeps nothing: enough to test load generators.

import { once } from 'node:events'
import net from 'node:net'
import type { Address } from '../../src/address.ts'
import { ZooKeeperDialect } from '../../src/protocol/compat/zookeeper.ts'
import type { ServerCodec } from '../../src/protocol/dialect.ts'
import { FrameDecoder } from '../../src/protocol/frame.ts'
import { MsgpackWriter } from '../../src/protocol/msgpack.ts'
import { noSession, type ServerId, type SessionId, type Stat } from '../../src/protocol/records.ts'
import type { ReplyBody, Request } from '../../src/protocol/zk/messages.ts'
import { NativeDialect } from '../../src/protocol/zk/native-dialect.ts'
import { zxidZero } from '../../src/protocol/zxid.ts'

const dialects = [new NativeDialect(), new ZooKeeperDialect()]

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
    let codec: ServerCodec | undefined
    const out = new MsgpackWriter()
    const decoder = new FrameDecoder(1 << 20, (buffer, start, end) => {
      if (codec === undefined) {
        const first = buffer[start] ?? -1
        codec = dialects.find((dialect) => dialect.begins(first))?.serverCodec()
        if (codec === undefined) throw new Error('an unknown dialect')
        const { timeoutMs } = codec.decodeHello(buffer, start, end)
        out.beginFrame()
        codec.encodeWelcome(out, {
          ensembleId: 'responder',
          timeoutMs,
          sessionId: 1 as SessionId,
          password: new Uint8Array(16),
          serverId: 1 as ServerId,
          readOnly: false,
        })
        out.endFrame()
        return
      }
      const request = codec.decodeRequest(buffer, start, end)
      if (request === undefined) throw new Error('an unknown operation')
      requests.push(request)
      const reply = answer(request, codec.xid)
      if (reply === undefined) {
        socket.destroy()
        return
      }
      out.beginFrame()
      codec.encodeReply(out, reply.xid, zxidZero, reply.body)
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
    case 'exists':
      return { xid, body: { type: 'exists', stat } }
    case 'getChildren':
      return { xid, body: { type: 'getChildren', children: [], stat } }
    case 'multi':
      return { xid, body: { type: 'multi', results: [] } }
    case 'delete':
    case 'sync':
    case 'closeSession':
      return { xid, body: { type: request.type } }
    default:
      throw new Error(`${request.type} is not part of any load`)
  }
}
