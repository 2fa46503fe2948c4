// What a daemon says when it cannot listen: which option asked for it, and what the system found.

import { RefusedStartError } from './refused-start.ts'

/** How the user gave an address: 'clientPort=2181 from zoo.cfg:3'. One line may be both. */
export interface ListenOrigin {
  readonly host: string
  readonly port: string
}

/** Another try may find the port free, the address there, the name resolved. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
  readonly code: string

  constructor(message: string, code: string, options: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** @param error anything; what is not about listening is returned as it is */
export function listenError(error: unknown, origin: ListenOrigin): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException
  if (code === undefined || (syscall !== 'listen' && syscall !== 'getaddrinfo')) return error
  const refusal = (option: string, found: string) => {
    const message = `Cannot listen where ${option} says: ${found}`
    if (code === 'EACCES') return new RefusedStartError(message, { cause: error })
    return new ListenError(message, code, { cause: error })
  }
  switch (code) {
    case 'EADDRNOTAVAIL':
      return refusal(origin.host, 'this machine has no such address')
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return refusal(origin.host, 'that name has no address')
    case 'EADDRINUSE':
      return refusal(origin.port, 'another process listens there')
    case 'EACCES':
      return refusal(origin.port, 'this user may not listen there')
    default:
      return refusal(origin.port, (error as Error).message)
  }
}
