// One native client connection at its barest: frames out, a callback per answer, no promise, no
// object per request. The generators must cost little beside the servers they share a machine with.

import net from 'node:net'
import { FrameDecoder } from '../src/protocol/frame.ts'
import { MsgpackReader, MsgpackWriter } from '../src/protocol/msgpack.ts'
import { noSession } from '../src/protocol/records.ts'
import type { ReplyBody, Request } from '../src/protocol/zk/messages.ts'
import {
  decodeReplyBody,
  decodeWelcome,
  encodeHello,
  encodeRequest,
  protocolVersion,
} from '../src/protocol/zk/native.ts'
import { zxidZero } from '../src/protocol/zxid.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

/** From here on an xid takes the same five bytes, so a frame can be stamped with it in place. */
const firstXid = 0x1_0000

/** Bytes before the xid in a request's frame: length, array header, integer marker. */
const xidOffset = 6

const frameBytesMax = 16 * 1024 * 1024

/** A request's frame, into which each sending stamps its xid. */
export function requestTemplate(request: Request): Buffer {
  const out = new MsgpackWriter()
  out.beginFrame()
  encodeRequest(out, firstXid, request)
  out.endFrame()
  return Buffer.from(out.view())
}

export class RawConnection {
  readonly #socket: net.Socket
  readonly #reader = new MsgpackReader()
  #welcomed: (() => void) | undefined
  #out = Buffer.allocUnsafeSlow(64 * 1024)
  #outBytes = 0
  #nextXid = firstXid
  #expectedXid = firstXid
  /** Called for each answer, in order; `err` is 0 when it worked. */
  onReply: (err: number, reader: MsgpackReader) => void = () => undefined
  /** Called after the answers that came in one piece, to send what follows them. */
  onTurn: () => void = () => undefined

  private constructor(socket: net.Socket, failed: (error: Error) => void) {
    this.#socket = socket
    const decoder = new FrameDecoder(frameBytesMax, (buffer, start, end) => {
      this.#frame(buffer, start, end)
    })
    socket.on('data', (chunk) => {
      try {
        decoder.push(chunk)
        this.onTurn()
        this.flush()
      } catch (error) {
        failed(error as Error)
      }
    })
    socket.on('error', failed)
    socket.on('close', () => failed(new Error('The server closed the connection')))
  }

  /** @param failed called at least once when the connection ends, also after `close` */
  static connect(
    { host, port }: Address,
    options: { readonly timeoutMs: number; readonly failed: (error: Error) => void },
  ): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ host, port, noDelay: true })
      const connection = new RawConnection(socket, (error) => {
        socket.destroy()
        reject(error)
        options.failed(error)
      })
      connection.#welcomed = () => resolve(connection)
      const out = new MsgpackWriter()
      out.beginFrame()
      encodeHello(out, {
        version: protocolVersion,
        ensembleId: undefined,
        lastZxidSeen: zxidZero,
        timeoutMs: options.timeoutMs,
        sessionId: noSession,
        password: new Uint8Array(0),
      })
      out.endFrame()
      socket.write(out.view())
    })
  }

  /** Requests sent and not answered yet. */
  get outstanding(): number {
    return this.#nextXid - this.#expectedXid
  }

  /** Queues one request; `flush` sends what is queued in one write. */
  send(template: Buffer): void {
    if (this.#outBytes + template.length > this.#out.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(this.#out.length * 2, template.length * 2))
      this.#out.copy(grown, 0, 0, this.#outBytes)
      this.#out = grown
    }
    template.copy(this.#out, this.#outBytes)
    this.#out.writeUInt32BE(this.#nextXid++, this.#outBytes + xidOffset)
    this.#outBytes += template.length
  }

  flush(): void {
    if (this.#outBytes === 0) return
    this.#socket.write(this.#out.subarray(0, this.#outBytes))
    // The socket may hold on to what the kernel did not take at once.
    if (this.#socket.writableLength > 0) this.#out = Buffer.allocUnsafeSlow(this.#out.length)
    this.#outBytes = 0
  }

  /** One request by itself, for setting things up. Rejects with the error code. */
  request<Body extends Request>(
    request: Body,
  ): Promise<Extract<ReplyBody, { type: Body['type'] }>> {
    return new Promise((resolve, reject) => {
      this.onReply = (err, reader) => {
        if (err !== 0) reject(Object.assign(new Error(`Error ${err}: ${request.type}`), { err }))
        else resolve(decodeReplyBody(reader, request.type) as never)
      }
      this.send(requestTemplate(request))
      this.flush()
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #frame(buffer: Buffer, start: number, end: number): void {
    const reader = this.#reader.reset(buffer, start, end)
    if (this.#welcomed !== undefined) {
      const { timeoutMs } = decodeWelcome(reader)
      if (timeoutMs === 0) throw new Error('The server refused a new session')
      this.#welcomed()
      this.#welcomed = undefined
      return
    }
    reader.arrayHeader()
    const xid = reader.int()
    if (xid !== this.#expectedXid) {
      throw new Error(`Answers are out of order: wanted ${this.#expectedXid}, found ${xid}`)
    }
    this.#expectedXid++
    reader.int() // zxid
    this.onReply(reader.int(), reader)
  }
}
