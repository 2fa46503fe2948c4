// The errors that a client's calls reject with, and their texts.

import {
  type ErrorCode,
  type ErrorNumber,
  errorCodeOf,
  errorCodes,
  ZkError,
} from '../../protocol/error-codes.ts'
import type { MultiOp, MultiResult, Request } from '../../protocol/zk/messages.ts'

/** The state found, after `operation path:` and before the code. */
const reasons: Readonly<Record<ErrorCode, string>> = {
  OK: 'nothing went wrong',
  SYSTEMERROR: 'the server had an internal error',
  RUNTIMEINCONSISTENCY: 'another part of the multi failed',
  DATAINCONSISTENCY: "the server's data is inconsistent",
  CONNECTIONLOSS: 'the connection was lost before the answer came, so the outcome is unknown',
  MARSHALLINGERROR: 'the server could not read the request, or its answer does not fit a frame',
  UNIMPLEMENTED: 'the server does not support this request',
  OPERATIONTIMEOUT: 'the server did not finish in time',
  BADARGUMENTS: 'the server does not accept an argument',
  UNKNOWNSESSION: 'the server does not know the session',
  NEWCONFIGNOQUORUM: 'the new members have no quorum',
  RECONFIGINPROGRESS: 'another change of the members is in progress',
  APIERROR: 'the server does not accept the request',
  NONODE: 'the znode does not exist',
  NOAUTH: 'permission is missing',
  BADVERSION: 'the znode has another version',
  NOCHILDRENFOREPHEMERALS: 'the parent is ephemeral and cannot have children',
  NODEEXISTS: 'the znode already exists',
  NOTEMPTY: 'the znode has children',
  SESSIONEXPIRED: 'the session has ended',
  INVALIDCALLBACK: 'the callback is not valid',
  INVALIDACL: 'the ACL is not valid',
  AUTHFAILED: 'the server does not accept the credentials',
  SESSIONMOVED: 'another server serves the session now',
  NOTREADONLY: 'the server has no quorum and serves only reads',
  EPHEMERALONLOCALSESSION: 'a local session cannot create ephemerals',
  NOWATCHER: 'the watch does not exist',
  REQUESTTIMEOUT: 'the server did not answer in time',
  RECONFIGDISABLED: 'changing the members is disabled',
  SESSIONCLOSEDREQUIRESASLAUTH: 'the server requires SASL authentication',
  QUOTAEXCEEDED:
    'a quota, or the most znodes that servers hold, would be exceeded, so delete some first',
  THROTTLEDOP: 'too many requests are waiting for an answer',
}

export function reasonOf(code: ErrorCode): string {
  return reasons[code]
}

/**
 * `exists /a: permission is missing (NOAUTH)`
 *
 * @param path as the caller gave it
 * @param found replaces the reason of the code
 */
export function errorFor(
  code: ErrorCode,
  type: Request['type'],
  path?: string,
  found = reasonOf(code),
): ZkError {
  const operation = type === 'auth' ? 'addAuth' : type
  const what = path === undefined ? operation : `${operation} ${path === '' ? "''" : path}`
  return new ZkError(code, path, `${what}: ${found} (${code})`)
}

/** No part of the multi was applied; `code` and `path` are those of the failed part. */
export class ZkMultiError extends ZkError {
  /** index of the failed part, from 0 */
  readonly index: number
  /** one error per part: OK before the failed part, RUNTIMEINCONSISTENCY after it */
  readonly results: readonly MultiResult[]

  constructor(failed: { code: ErrorCode; index: number; path: string }, results: MultiResult[]) {
    const { code, index, path } = failed
    const part = `part ${index + 1} of ${results.length}, on ${path}`
    super(code, path, `multi: ${part}: ${reasonOf(code)} (${code})`)
    this.index = index
    this.results = results
  }
}

/** @returns undefined if all parts succeeded */
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
