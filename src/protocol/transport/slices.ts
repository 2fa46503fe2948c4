// Large output, which leaves in slices: one write of 7 MB would hold the event loop for some 2 ms, in
// which the kernel copies it. Between two slices other links have their turn.

import type net from 'node:net'
import { Fifo } from '../../fifo.ts'
import type { ByteWriter } from '../byte-writer.ts'

export const sliceBytes = 512 * 1024

export class Slices {
  readonly #pieces = new Fifo<Uint8Array>()
  #bytes = 0

  /** that wait */
  get bytes(): number {
    return this.#bytes
  }

  /** Its memory must not change until everything has been sent. */
  add(out: ByteWriter): void {
    out.forEachPiece((piece) => {
      for (let at = 0; at < piece.length; at += sliceBytes) {
        this.#pieces.push(piece.subarray(at, at + sliceBytes))
      }
    })
    this.#bytes += out.totalBytes
  }

  /** Writes the next slice, or with Infinity everything, in one system call. */
  send(socket: net.Socket, bytesMax = sliceBytes): void {
    socket.cork()
    let left = bytesMax
    for (let piece = this.#pieces.shift(); piece !== undefined; piece = this.#pieces.shift()) {
      socket.write(piece)
      this.#bytes -= piece.length
      left -= piece.length
      if (left <= 0) break
    }
    socket.uncork()
  }
}
