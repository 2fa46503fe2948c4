// How a socket reads into memory that is used again.
//
// Otherwise Node takes new memory for each read, outside of V8's heap: at 50 MB/s it caused six to nine
// full garbage collections a second in a leading broker, a seventh of its time or more.
//
// A socket takes `onread` when it is made, and net.Server makes the sockets that it accepts without it.
// So what was accepted moves to a socket of ours. The handle that moves is Node's own and not
// documented: if a version of Node has none, the accepted socket stays, and reads as it always did.

import net from 'node:net'
import { asBuffer } from '../../as-buffer.ts'

/** Read at once. */
const readBytes = 256 * 1024

interface OnRead {
  readonly buffer: Buffer
  callback(count: number, bytes: Uint8Array): boolean
}

/** One for all sockets of a program: what is read is handled at once. */
export class ReadMemory {
  #buffer: Buffer | undefined

  /** For sockets that are made with it. @param received called with bytes that are valid during the call */
  onread(received: (bytes: Buffer) => void): OnRead {
    this.#buffer ??= Buffer.allocUnsafeSlow(readBytes)
    return {
      buffer: this.#buffer,
      callback(count, bytes) {
        received(asBuffer(bytes).subarray(0, count))
        return true
      },
    }
  }

  /**
   * The same connection on a socket that calls `received`, instead of listeners of 'data'.
   *
   * @param accepted has just been accepted: nothing was read
   */
  moved(accepted: net.Socket, received: (bytes: Buffer) => void): net.Socket {
    if (!hasHandle(accepted)) return accepted
    const handle = accepted._handle
    accepted._handle = null
    const options = { handle, allowHalfOpen: accepted.allowHalfOpen, onread: this.onread(received) }
    const socket = new net.Socket(options)
    accepted.destroy() // without the connection
    return socket
  }
}

function hasHandle(socket: net.Socket): socket is net.Socket & { _handle: object | null } {
  return '_handle' in socket && typeof socket._handle === 'object' && socket._handle !== null
}
