// What a failed command prints on standard error: a sentence, or with `-o json` one JSON value. Pure.
//
//   Cannot find topic 'goals': it does not exist
//   {"error":{"code":"FAILED","message":"Cannot find topic 'goals': it does not exist"}}

import { ZkError } from '../protocol/error-codes.ts'
import { BrokerError } from '../protocol/mq/error-codes.ts'
import { BadUsage } from './cli-command.ts'

/** @param words of the command line, since it may be what cannot be read */
export function wantsJson(words: readonly string[]): boolean {
  return words.some((word, i) => {
    const isName = word === '-o' || word === '--output'
    return isName ? words[i + 1] === 'json' : /^(-o=?|--output=)json$/.test(word)
  })
}

/** Bugs print a stack; other errors print their message. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const isBug = error instanceof TypeError || error instanceof ReferenceError
  return isBug ? (error.stack ?? error.message) : error.message
}

/** @returns one line */
export function errorJson(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return JSON.stringify({ error: { code: codeOf(error), message } })
}

/** Of the library, where it has one. */
function codeOf(error: unknown): string {
  if (error instanceof BrokerError || error instanceof ZkError) return error.code
  return error instanceof BadUsage ? 'USAGE' : 'FAILED'
}
