// Sends one of ZooKeeper's four-letter words to a server's client port.

import type { Address } from '../../address.ts'
import { limits } from '../../limits.ts'
import type { ClientWorld } from '../../world.ts'

const answerTimeoutMs = 500

/** @returns undefined if no complete answer arrives in time */
export function askWord(
  { transport }: Pick<ClientWorld, 'transport'>,
  server: Address,
  word: string,
  timeoutMs = answerTimeoutMs,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    let answer: Buffer = Buffer.alloc(0)
    const options = {
      frameBytesMax: limits.clientReplyBytesMax,
      queueBytesMax: limits.connectionQueueBytesMax,
      handshakeMs: timeoutMs,
      pauseWhenCongested: false,
    }
    const link = transport.dial(server, options, {
      firstBytes: (bytes) => {
        answer = bytes
        return 'more'
      },
      frame: () => undefined,
      closed: (reason) => resolve(reason === undefined ? answer.toString('utf8') : undefined),
    })
    link.out.raw(Buffer.from(word))
  })
}
