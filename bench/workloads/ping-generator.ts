// A client that pings all the time, each ping after the answer to the previous one: its slowest ping
// shows how long the server's event loop was held. Started by `trees.ts` as a process of its own, so
// that a lister that reads a long answer does not delay it.

import type { Address } from '../../src/address.ts'
import type { FromGenerator } from '../generator-process.ts'
import { RawConnection } from '../raw-connection.ts'

export type ToPinger =
  | { readonly type: 'start'; readonly server: Address; readonly timeoutMs: number }
  /** asks for the slowest ping since the last time, the one on the way included */
  | { readonly type: 'slowest' }

export type FromPinger = FromGenerator<{ readonly slowestMs: number }>

function tell(message: FromPinger): void {
  process.send?.(message)
}

process.on('message', (message: ToPinger) => {
  if (message.type === 'start') void start(message)
  else isAsked = true
})

let isAsked = false

async function start({ server, timeoutMs }: Extract<ToPinger, { type: 'start' }>): Promise<void> {
  const failed = ({ message }: Error): void => tell({ type: 'failed', message })
  const connection = await RawConnection.connect(server, { timeoutMs, failed })
  const ping = connection.template({ type: 'ping' })
  let slowestMs = 0
  let sentMs = performance.now()
  const send = (): void => {
    sentMs = performance.now()
    connection.send(ping)
  }
  connection.onReply = () => {
    slowestMs = Math.max(slowestMs, performance.now() - sentMs)
    if (isAsked) {
      tell({ type: 'result', slowestMs })
      slowestMs = 0
      isAsked = false
    }
    send()
  }
  send()
  connection.flush()
  tell({ type: 'ready' })
}
