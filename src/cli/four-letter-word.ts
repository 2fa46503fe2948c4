// What a server says of its health, asked in plain text.

import { connect } from 'node:net'
import { askWord } from '../client/ask-word.ts'
import type { ServerAddress } from '../client/servers.ts'
import { realWorld } from '../real-world.ts'
import type { ServerRole } from './consumer-view.ts'

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
}

/** `lost` is one that does not answer, `looking` one without a leader. */
export async function askHealth(address: ServerAddress): Promise<ServerHealth> {
  return parseSrvr(await askWord(realWorld(), address, 'srvr'))
}

export function parseSrvr(answer: string | undefined): ServerHealth {
  if (answer === undefined) return { role: 'lost', zxid: undefined }
  const zxid = /^Zxid: (0x[0-9a-f]+)$/m.exec(answer)?.[1]
  const mode = /^Mode: (leader|follower|standalone)$/m.exec(answer)?.[1]
  return { role: (mode ?? 'looking') as ServerRole, zxid }
}
