// Compares an answer with that of the model.

import { invariant } from '../../../src/invariant.ts'
import type { Stat } from '../../../src/protocol/records.ts'
import type { ReplyBody } from '../../../src/protocol/zk/messages.ts'
import { nameOf, type Operation } from './operation.ts'

export function same(
  operation: Operation,
  answer: ReplyBody,
  expected: { readonly type: string },
): void {
  const [a, b] = [describe(answer), describe(expected)]
  invariant(a === b, `${nameOf(operation)} is answered with ${b}, not ${a}`)
}

export function sameStat(operation: Operation, stat: Stat, expected: object | undefined): void {
  const [a, b] = [describeStat(stat), describeStat(expected)]
  invariant(a === b, `${nameOf(operation)} shows the stat of its zxid, ${b}, not ${a}`)
}

function describe(body: object & { readonly type: string }): string {
  const parts: string[] = [body.type]
  if ('code' in body) parts.push(String(body.code))
  if ('path' in body && body.type === 'create') parts.push(String(body.path))
  if ('stat' in body) parts.push(describeStat(body.stat as Stat))
  if ('results' in body) parts.push(...(body.results as { readonly type: string }[]).map(describe))
  return parts.join(' ')
}

function describeStat(stat: object | undefined): string {
  if (stat === undefined) return 'none'
  const { czxid, mzxid, pzxid, version, ephemeralOwner, numChildren } = stat as Stat
  return [czxid, mzxid, pzxid, version, ephemeralOwner, numChildren].join('/')
}
