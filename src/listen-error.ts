// The message of a daemon that cannot listen: the option that named the address, and the system's
// error.

import { RefusedStartError } from './refused-start.ts'

/** The user's options for an address: 'clientPort=2181 from zoo.cfg:3'. One line may be both. */
export interface ListenOrigin {
  readonly host: string
  readonly port: string
}

/** A retry may find the port free, the address present, the name resolvable. */
class ListenError extends Error {
  override readonly name = 'ListenError'
  readonly code: string

  constructor(message: string, code: string, options: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** @param error anything; an error that is not about listening is returned unchanged */
export function listenError(error: unknown, origin: ListenOrigin): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException
  if (code === undefined || (syscall !== 'listen' && syscall !== 'getaddrinfo')) return error
  const refusal = (option: string, found: string) => {
    const message = `Cannot listen on ${option}: ${found}`
    if (code === 'EACCES') return new RefusedStartError(message, { cause: error })
    return new ListenError(message, code, { cause: error })
  }
  switch (code) {
    case 'EADDRNOTAVAIL':
      return refusal(origin.host, 'this machine does not have that address')
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return refusal(origin.host, 'the name does not resolve')
    case 'EADDRINUSE':
      return refusal(origin.port, 'another process is using the port')
    case 'EACCES':
      return refusal(origin.port, 'this user lacks permission for the port')
    default:
      return refusal(origin.port, (error as Error).message)
  }
}
