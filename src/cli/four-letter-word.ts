// What a server says of its health, asked in plain text.

import { connect } from 'node:net'
import { askWord } from '../client/ask-word.ts'
import type { ServerAddress } from '../client/servers.ts'
import { brokerIn } from '../protocol/mq/word-answer.ts'
import { realWorld } from '../real-world.ts'
import type { ServerRole } from './cluster-lines.ts'

/** Whether anybody listens there. */
export function accepts({ host, port }: ServerAddress): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const done = (accepted: boolean) => {
      socket.destroy()
      resolve(accepted)
    }
    socket.on('connect', () => done(true))
    socket.on('error', () => done(false))
  })
}

export interface ServerHealth {
  readonly role: ServerRole
  /** as hex, of the last transaction that it applied */
  readonly zxid: string | undefined
  /** What answered in place of a server that has a role; the role is `lost` then. */
  readonly remark?: string
}

/** `lost` is one that does not answer, `looking` one without a leader. */
export async function askHealth(address: ServerAddress): Promise<ServerHealth> {
  return parseSrvr(await askWord(realWorld(), address, 'srvr'))
}

export function parseSrvr(answer: string | undefined): ServerHealth {
  if (answer === undefined) return { role: 'lost', zxid: undefined }
  const remark = remarkOn(answer)
  if (remark !== undefined) return { role: 'lost', zxid: undefined, remark }
  const zxid = /^Zxid: (0x[0-9a-f]+)$/m.exec(answer)?.[1]
  const mode = /^Mode: (leader|follower|observer|standalone)$/m.exec(answer)?.[1]
  return { role: (mode ?? 'looking') as ServerRole, zxid }
}

/** @returns what to say in place of a role; undefined for a server's answer that has one */
function remarkOn(answer: string): string | undefined {
  const broker = brokerIn(answer)
  if (broker !== undefined) return `not a server: the port of broker ${broker} of Mimic Queue`
  if (/^Mode: |^Zxid: |not currently serving requests/m.test(answer)) return undefined
  if (answer === '') return 'closed the connection without an answer'
  return answer.includes('not in the whitelist')
    ? 'does not say: srvr is not in its whitelist'
    : 'not a server of ZooWeeper'
}
