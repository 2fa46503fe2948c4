// A socket that gathers output until `flush`, and sends it in one write.

import { once } from 'node:events'
import net from 'node:net'
import type { Address } from '../../src/address.ts'

export class BenchSocket {
  readonly #socket: net.Socket
  #out = Buffer.allocUnsafeSlow(64 * 1024)
  #outBytes = 0

  private constructor(socket: net.Socket) {
    this.#socket = socket
  }

  /** @param failed called when the connection ends, for whatever reason */
  static async connect(
    { host, port }: Address,
    received: (chunk: Buffer) => void,
    failed: (error: Error) => void,
  ): Promise<BenchSocket> {
    const socket = net.connect({ host, port, noDelay: true })
    await once(socket, 'connect')
    socket.on('data', (chunk) => {
      try {
        received(chunk)
      } catch (error) {
        failed(error as Error)
      }
    })
    socket.on('error', failed)
    socket.on('close', () => failed(new Error(`${host}:${port} closed the connection`)))
    return new BenchSocket(socket)
  }

  /** Queues a copy of `bytes`. @returns where it lies in `out` until `flush` */
  queue(bytes: Uint8Array): number {
    const at = this.#outBytes
    if (at + bytes.length > this.#out.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(this.#out.length, bytes.length) * 2)
      this.#out.copy(grown, 0, 0, at)
      this.#out = grown
    }
    this.#out.set(bytes, at)
    this.#outBytes = at + bytes.length
    return at
  }

  get out(): Buffer {
    return this.#out
  }

  flush(): void {
    if (this.#outBytes === 0) return
    this.#socket.write(this.#out.subarray(0, this.#outBytes))
    // The socket may keep bytes that the kernel did not accept.
    if (this.#socket.writableLength > 0) this.#out = Buffer.allocUnsafeSlow(this.#out.length)
    this.#outBytes = 0
  }

  close(): void {
    this.#socket.destroy()
  }
}
