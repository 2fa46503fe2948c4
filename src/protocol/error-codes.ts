// The errors of requests, with ZooKeeper's numbers, and the error types that carry them.

/** Codes as in ZooKeeper's KeeperException.Code; the number goes on the wire. */
export const errorCodes = {
  OK: 0,
  SYSTEMERROR: -1,
  RUNTIMEINCONSISTENCY: -2,
  DATAINCONSISTENCY: -3,
  CONNECTIONLOSS: -4,
  MARSHALLINGERROR: -5,
  UNIMPLEMENTED: -6,
  OPERATIONTIMEOUT: -7,
  BADARGUMENTS: -8,
  UNKNOWNSESSION: -12,
  NEWCONFIGNOQUORUM: -13,
  RECONFIGINPROGRESS: -14,
  APIERROR: -100,
  NONODE: -101,
  NOAUTH: -102,
  BADVERSION: -103,
  NOCHILDRENFOREPHEMERALS: -108,
  NODEEXISTS: -110,
  NOTEMPTY: -111,
  SESSIONEXPIRED: -112,
  INVALIDCALLBACK: -113,
  INVALIDACL: -114,
  AUTHFAILED: -115,
  SESSIONMOVED: -118,
  NOTREADONLY: -119,
  EPHEMERALONLOCALSESSION: -120,
  NOWATCHER: -121,
  REQUESTTIMEOUT: -122,
  RECONFIGDISABLED: -123,
  SESSIONCLOSEDREQUIRESASLAUTH: -124,
  QUOTAEXCEEDED: -125,
  THROTTLEDOP: -127,
} as const

export type ErrorCode = keyof typeof errorCodes
export type ErrorNumber = (typeof errorCodes)[ErrorCode]

const names = new Map<number, ErrorCode>(
  Object.entries(errorCodes).map(([name, number]) => [number, name as ErrorCode]),
)

/** @returns SYSTEMERROR for a number that ZooKeeper does not have */
export function errorCodeOf(number: number): ErrorCode {
  return names.get(number) ?? 'SYSTEMERROR'
}

/** A request that cannot be done; becomes a reply on the server and a rejection on the client. */
export class ZkError extends Error {
  override readonly name = 'ZkError'
  readonly code: ErrorCode
  readonly path: string | undefined

  constructor(code: ErrorCode, path: string | undefined, message: string) {
    super(message)
    this.code = code
    this.path = path
  }

  get number(): ErrorNumber {
    return errorCodes[this.code]
  }
}

/** The other side broke the protocol: its connection is closed, everything else goes on. */
export class ProtocolError extends Error {
  override readonly name: string = 'ProtocolError'
}
