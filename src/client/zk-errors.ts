// The errors that a client's calls reject with, in words.

import {
  type ErrorCode,
  type ErrorNumber,
  errorCodeOf,
  errorCodes,
  ZkError,
} from '../protocol/error-codes.ts'
import type { MultiOp, MultiResult, Request } from '../protocol/zk/messages.ts'

const reasons: Partial<Record<ErrorCode, string>> = {
  NONODE: 'there is no such znode',
  NODEEXISTS: 'the znode exists already',
  BADVERSION: 'its version is another one',
  NOTEMPTY: 'it has children',
  NOCHILDRENFOREPHEMERALS: 'its parent is ephemeral',
  BADARGUMENTS: 'an argument is not valid',
  NOAUTH: 'permission is missing',
  INVALIDACL: 'the ACL is not valid',
  AUTHFAILED: 'the server does not accept the credential',
  NOTREADONLY: 'the server has no quorum and only answers reads',
  QUOTAEXCEEDED: 'it is more than the quota allows',
  RECONFIGDISABLED: 'reconfiguration is disabled',
  CONNECTIONLOSS: 'the connection was lost, whether it happened is unknown',
  SESSIONEXPIRED: 'the session has ended',
  NOWATCHER: 'there is no such watch',
  THROTTLEDOP: 'too many requests wait for an answer',
  UNIMPLEMENTED: 'the server does not know this request',
}

function reasonOf(code: ErrorCode): string {
  const reason = reasons[code]
  return reason === undefined ? code : `${reason} (${code})`
}

/** @param path as the caller gave it */
export function errorFor(code: ErrorCode, type: Request['type'], path?: string): ZkError {
  const what = path === undefined ? type : `${type} ${path}`
  return new ZkError(code, path, `Cannot ${what}: ${reasonOf(code)}`)
}

/** Nothing of the multi happened; `code` and `path` are those of the part that failed. */
export class ZkMultiError extends ZkError {
  /** which part failed, from 0 */
  readonly index: number
  /** one error each: OK before the failing part, RUNTIMEINCONSISTENCY after it */
  readonly results: readonly MultiResult[]

  constructor(failed: { code: ErrorCode; index: number; path: string }, results: MultiResult[]) {
    const { code, index, path } = failed
    super(code, path, `Cannot multi: part ${index} on ${path}: ${reasonOf(code)}`)
    this.index = index
    this.results = results
  }
}

/** @returns undefined when all parts succeeded */
export function multiErrorOf(
  ops: readonly MultiOp[],
  results: readonly MultiResult[],
): ZkMultiError | undefined {
  const index = results.findIndex((result) => codeOf(result) !== errorCodes.OK)
  const result = results[index]
  if (result === undefined) return undefined
  const code = errorCodeOf(codeOf(result))
  return new ZkMultiError({ code, index, path: ops[index]?.path ?? '' }, [...results])
}

function codeOf(result: MultiResult): ErrorNumber {
  return result.type === 'error' ? result.code : errorCodes.OK
}
