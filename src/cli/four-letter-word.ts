// Asks a server's client port in plain text how it is.

import { connect } from 'node:net'
import type { ServerAddress } from '../client/servers.ts'
import type { ServerRole } from './consumer-view.ts'

const answerTimeoutMs = 500

/** @returns undefined when nobody answers in time */
export function askWord(
  { host, port }: ServerAddress,
  word: string,
  timeoutMs = answerTimeoutMs,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect({ host, port })
    const done = (result: string | undefined) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(result)
    }
    const timer = setTimeout(() => done(undefined), timeoutMs)
    socket.setEncoding('utf8')
    socket.on('connect', () => socket.write(word))
    socket.on('data', (text) => {
      answer += text
    })
    socket.on('end', () => done(answer))
    socket.on('error', () => done(undefined))
  })
}

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
  return parseSrvr(await askWord(address, 'srvr'))
}

export function parseSrvr(answer: string | undefined): ServerHealth {
  if (answer === undefined) return { role: 'lost', zxid: undefined }
  const zxid = /^Zxid: (0x[0-9a-f]+)$/m.exec(answer)?.[1]
  const mode = /^Mode: (leader|follower|standalone)$/m.exec(answer)?.[1]
  return { role: (mode ?? 'looking') as ServerRole, zxid }
}
