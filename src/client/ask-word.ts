// Asks a server's client port in plain text how it is, by one of ZooKeeper's four-letter words.

import { connect } from 'node:net'
import type { ServerAddress } from './servers.ts'

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
