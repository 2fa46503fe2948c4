// A minimal client connection, in any dialect: frames out, a callback per answer, no promise, no
// object per request. The generators must cost little beside the servers on the same machine.

import net from 'node:net'
import type { Address } from '../src/address.ts'
import { Fifo } from '../src/fifo.ts'
import { ZooKeeperDialect } from '../src/protocol/compat/zookeeper.ts'
import type { ClientCodec } from '../src/protocol/dialect.ts'
import { FrameDecoder } from '../src/protocol/frame.ts'
import { MsgpackWriter } from '../src/protocol/msgpack.ts'
import { noSession } from '../src/protocol/records.ts'
import type { ReplyBody, Request } from '../src/protocol/zk/messages.ts'
import { NativeDialect } from '../src/protocol/zk/native-dialect.ts'
import { zxidZero } from '../src/protocol/zxid.ts'

export const dialectNames = ['native', 'jute'] as const
export type DialectName = (typeof dialectNames)[number]

const dialects = {
  native: { dialect: new NativeDialect(), xidOffset: 6 },
  jute: { dialect: new ZooKeeperDialect(), xidOffset: 4 },
} as const

/**
 * From here on an xid takes the same number of bytes in every dialect, so a frame can be stamped in
 * place.
 */
const firstXid = 0x1_0000

const frameBytesMax = 16 * 1024 * 1024

export interface RawOptions {
  readonly dialect?: DialectName
  readonly timeoutMs: number
  /** called at least once when the connection ends, even after `close` */
  readonly failed: (error: Error) => void
}

export class RawConnection {
  readonly #socket: net.Socket
  readonly #codec: ClientCodec
  readonly #xidOffset: number
  #welcomed: (() => void) | undefined
  #out = Buffer.allocUnsafeSlow(4096)
  #outBytes = 0
  #nextXid = firstXid
  #expectedXid = firstXid
  readonly #marks = new Fifo<number>()
  /** Takes the answer of `request`. */
  #answered: ((err: number) => void) | undefined
  /** Called for each answer, in order; `err` is 0 on success. */
  onReply: (err: number, mark: number) => void = () => undefined
  /** Called for each watch event. */
  onEvent: () => void = () => undefined
  /** Called after the answers that arrived in one piece, to send the next requests. */
  onTurn: () => void = () => undefined

  private constructor(socket: net.Socket, options: RawOptions) {
    this.#socket = socket
    const { dialect, xidOffset } = dialects[options.dialect ?? 'native']
    this.#codec = dialect.clientCodec()
    this.#xidOffset = xidOffset
    const decoder = new FrameDecoder(frameBytesMax, (buffer, start, end) => {
      this.#frame(buffer, start, end)
    })
    socket.on('data', (chunk) => {
      try {
        decoder.push(chunk)
        this.onTurn()
        this.flush()
      } catch (error) {
        options.failed(error as Error)
      }
    })
    socket.on('error', options.failed)
    socket.on('close', () => options.failed(new Error('The server closed the connection')))
  }

  static connect({ host, port }: Address, options: RawOptions): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ host, port, noDelay: true })
      const connection = new RawConnection(socket, {
        ...options,
        failed: (error) => {
          socket.destroy()
          reject(error)
          options.failed(error)
        },
      })
      connection.#welcomed = () => resolve(connection)
      socket.write(connection.#hello(options.timeoutMs))
    })
  }

  /** Requests sent and not yet answered. */
  get outstanding(): number {
    return this.#nextXid - this.#expectedXid
  }

  /** A request's frame, stamped with an xid each time it is sent. */
  template(request: Request): Buffer {
    return framed((out) => this.#codec.encodeRequest(out, firstXid, request))
  }

  /** Queues one request; `flush` sends the queue in one write. Its answer comes with the mark. */
  send(template: Buffer, mark = 0): void {
    this.#marks.push(mark)
    if (this.#outBytes + template.length > this.#out.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(this.#out.length * 2, template.length * 2))
      this.#out.copy(grown, 0, 0, this.#outBytes)
      this.#out = grown
    }
    template.copy(this.#out, this.#outBytes)
    this.#out.writeUInt32BE(this.#nextXid++, this.#outBytes + this.#xidOffset)
    this.#outBytes += template.length
  }

  flush(): void {
    if (this.#outBytes === 0) return
    this.#socket.write(this.#out.subarray(0, this.#outBytes))
    // The socket may keep bytes that the kernel did not accept.
    if (this.#socket.writableLength > 0) this.#out = Buffer.allocUnsafeSlow(this.#out.length)
    this.#outBytes = 0
  }

  /** A single request while no other is on its way. Rejects with the error code. */
  request<Body extends Request>(
    request: Body,
  ): Promise<Extract<ReplyBody, { type: Body['type'] }>> {
    return new Promise((resolve, reject) => {
      this.#answered = (err) => {
        this.#answered = undefined
        if (err !== 0) reject(Object.assign(new Error(`Error ${err}: ${request.type}`), { err }))
        else resolve(this.#codec.decodeBody(request.type) as never)
      }
      this.send(this.template(request))
      this.flush()
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #hello(timeoutMs: number): Buffer {
    return framed((out) =>
      this.#codec.encodeHello(out, {
        ensembleId: undefined,
        lastZxidSeen: zxidZero,
        timeoutMs,
        sessionId: noSession,
        password: new Uint8Array(0),
        readOnly: false,
      }),
    )
  }

  #frame(buffer: Buffer, start: number, end: number): void {
    if (this.#welcomed !== undefined) {
      const { timeoutMs } = this.#codec.decodeWelcome(buffer, start, end)
      if (timeoutMs === 0) throw new Error('The server refused a new session')
      this.#welcomed()
      this.#welcomed = undefined
      return
    }
    const message = this.#codec.decodeMessage(buffer, start, end)
    if (message.type === 'event') {
      this.onEvent()
      return
    }
    if (message.xid !== this.#expectedXid) {
      throw new Error(`Answers are out of order: wanted ${this.#expectedXid}, found ${message.xid}`)
    }
    this.#expectedXid++
    const mark = this.#marks.shift() ?? 0
    if (this.#answered === undefined) this.onReply(message.err, mark)
    else this.#answered(message.err)
  }
}

function framed(write: (out: MsgpackWriter) => void): Buffer {
  const out = new MsgpackWriter()
  out.beginFrame()
  write(out)
  out.endFrame()
  return Buffer.from(out.view())
}
