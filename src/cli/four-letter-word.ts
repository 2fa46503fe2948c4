// Queries a server's health in plain text.

import { connect } from 'node:net'
import type { Address } from '../address.ts'
import { securedBy, type TlsClient } from '../client/tls.ts'
import { askWord } from '../client/zk/ask-word.ts'
import { brokerIn } from '../protocol/mq/word-answer.ts'
import { realWorld } from '../real-world.ts'

/** `lost`: does not answer; `looking`: answers, but has no leader. */
export type ServerRole = 'leader' | 'follower' | 'observer' | 'standalone' | 'looking' | 'lost'

/** Whether the address accepts connections. */
export function accepts({ host, port }: Address): Promise<boolean> {
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
  /** as hex, of the last transaction it applied */
  readonly zxid: string | undefined
  /** A description of what answered instead of a server with a role; the role is `lost` then. */
  readonly remark?: string
}

export async function askHealth(address: Address, tls?: TlsClient): Promise<ServerHealth> {
  return parseSrvr(await askWord(securedBy(tls, realWorld()), address, 'srvr'))
}

export function parseSrvr(answer: string | undefined): ServerHealth {
  if (answer === undefined) return { role: 'lost', zxid: undefined }
  const remark = remarkOn(answer)
  if (remark !== undefined) return { role: 'lost', zxid: undefined, remark }
  const zxid = /^Zxid: (0x[0-9a-f]+)$/m.exec(answer)?.[1]
  const mode = /^Mode: (leader|follower|observer|standalone)$/m.exec(answer)?.[1]
  return { role: (mode ?? 'looking') as ServerRole, zxid }
}

/** @returns the text to show instead of a role; undefined for an answer that has one */
function remarkOn(answer: string): string | undefined {
  const broker = brokerIn(answer)
  if (broker !== undefined) return `not a server: this is the port of Mimic Queue broker ${broker}`
  if (/^Mode: |^Zxid: |not currently serving requests/m.test(answer)) return undefined
  if (answer === '') return 'closed the connection without an answer'
  return answer.includes('not in the whitelist')
    ? 'unknown: srvr is not in its whitelist'
    : 'not a ZooWeeper server'
}
