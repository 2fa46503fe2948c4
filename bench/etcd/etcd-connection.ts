// A connection to etcd for a load: one HTTP/2 session, a gRPC call per request. Answers come in any
// order. Each call makes a stream and its headers, so this client costs more CPU time per request
// than RawConnection does.

import { once } from 'node:events'
import http2 from 'node:http2'
import type { Address } from '../../src/address.ts'
import type { ReplyBody, Request } from '../../src/protocol/zk/messages.ts'
import type { LoadConnection } from '../load-connection.ts'
import { encodeTemplate, methods } from './messages.ts'

const headers = methods.map((path) => ({
  ':method': 'POST',
  ':path': path,
  'content-type': 'application/grpc',
  te: 'trailers',
}))

/** Of a whole connection: the default of 64 KiB would stall large values. */
const windowBytes = 16 * 1024 * 1024

export class EtcdConnection implements LoadConnection {
  readonly #session: http2.ClientHttp2Session
  #outstanding = 0
  onReply: (err: number, mark: number) => void = () => undefined
  onTurn: () => void = () => undefined

  private constructor(session: http2.ClientHttp2Session) {
    this.#session = session
  }

  static async connect(
    { host, port }: Address,
    failed: (error: Error) => void,
  ): Promise<EtcdConnection> {
    const session = http2.connect(`http://${host}:${port}`, {
      settings: { initialWindowSize: windowBytes },
    })
    const connection = new EtcdConnection(session)
    await once(session, 'connect')
    session.setLocalWindowSize(windowBytes)
    session.on('error', failed)
    session.on('close', () => failed(new Error('etcd closed the connection')))
    return connection
  }

  get outstanding(): number {
    return this.#outstanding
  }

  template(request: Request): Buffer {
    return encodeTemplate(request)
  }

  send(template: Buffer, mark: number): void {
    const stream = this.#session.request(headers[template[0] ?? 0])
    this.#outstanding++
    let status: unknown
    stream.on('response', (found) => {
      status = found['grpc-status']
    })
    stream.on('trailers', (found) => {
      status = found['grpc-status']
    })
    stream.on('error', () => undefined) // told by 'close', which follows
    stream.on('close', () => {
      this.#outstanding--
      this.onReply(status === '0' ? 0 : Number(status ?? -1) || -1, mark)
      this.onTurn()
    })
    stream.resume()
    // A copy: the owner of a template may change it for the next request.
    stream.end(Buffer.from(template.subarray(1)))
  }

  flush(): void {
    // The session sends what a turn of the event loop queued.
  }

  request<Body extends Request>(
    request: Body,
  ): Promise<Extract<ReplyBody, { type: Body['type'] }>> {
    // A session of ZooKeeper's kind does not exist here.
    if (request.type === 'closeSession') return Promise.resolve({ type: 'closeSession' } as never)
    return new Promise((resolve, reject) => {
      this.onReply = (err) => {
        this.onReply = () => undefined
        if (err === 0) resolve({ type: request.type } as never)
        else reject(Object.assign(new Error(`Status ${err}: ${request.type}`), { err }))
      }
      this.send(this.template(request), 0)
    })
  }

  close(): void {
    this.#session.destroy()
  }
}
