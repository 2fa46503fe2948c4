// Requests of a setup, many on the way at once on one connection.

import type { Request } from '../src/protocol/zk/messages.ts'
import type { LoadConnection } from './load-connection.ts'

export interface PipelineOptions {
  /** how many are on the way at most */
  readonly outstanding: number
  /** Called for each answer, with the index of its request on this connection. */
  readonly answered: (err: number, index: number) => void
}

/**
 * Sends all requests of the iterator, which several connections may share, and resolves once those sent
 * on this one are answered. What `answered` throws rejects it; a lost connection is told to the one
 * that opened it.
 */
export function pipeline(
  connection: LoadConnection,
  requests: Iterator<Request>,
  { outstanding, answered }: PipelineOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let sent = 0
    let isLast = false
    const fill = () => {
      while (!isLast && connection.outstanding < outstanding) {
        const next = requests.next()
        if (next.done === true) isLast = true
        else connection.send(connection.template(next.value), sent++)
      }
      connection.flush()
      if (isLast && connection.outstanding === 0) resolve()
    }
    connection.onReply = (err, index) => {
      try {
        answered(err, index)
      } catch (error) {
        reject(error)
      }
    }
    connection.onTurn = fill
    fill()
  })
}

/** For requests none of which may fail. */
export function refuseErrors(err: number): void {
  if (err !== 0) throw new Error(`Could not set up the measurement: error ${err}`)
}
