// Describes the attempts to reach servers or brokers: a program that cannot connect learns the
// result for each address. Pure.

import { type Address, formatAddress } from '../address.ts'
import { ProtocolError } from '../protocol/error-codes.ts'
import { TlsError } from '../protocol/tls/tls-error.ts'
import { HandshakeTimeoutError } from '../protocol/transport/transport.ts'

/** The latest attempt at one address. */
export interface Attempt {
  readonly server: Address
  /** 'connection refused', 'connected, no answer within 500 ms' … */
  readonly found: string
}

export class Attempts {
  readonly #last = new Map<string, Attempt>()

  /** @returns whether the result differs from the previous one */
  failed(server: Address, found: string): boolean {
    const key = formatAddress(server)
    const before = this.#last.get(key)
    this.#last.set(key, { server, found })
    return before?.found !== found
  }

  /** One of them serves us: the results of the others are outdated. */
  clear(): void {
    this.#last.clear()
  }

  get count(): number {
    return this.#last.size
  }

  get all(): readonly Attempt[] {
    return [...this.#last.values()]
  }
}

/** `zoo1:2181 (connection refused), zoo2:2181 (connected, no answer within 500 ms)` */
export function formatAttempts(attempts: readonly Attempt[]): string {
  return attempts.map(({ server, found }) => `${formatAddress(server)} (${found})`).join(', ')
}

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'name not found',
  EAI_AGAIN: 'name lookup failed for now',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  EADDRNOTAVAIL: 'no such address here',
  ETIMEDOUT: 'no connection in time',
  EACCES: 'not permitted to connect',
  EPERM: 'not permitted to connect',
}

/** Whether the system reports that nothing listens at an address. */
export function isRefusal(reason: Error | undefined): boolean {
  const code = (reason as NodeJS.ErrnoException | undefined)?.code
  return code === 'ECONNREFUSED' || code === 'ENOTFOUND'
}

/** @param reason from a link's `closed`, before any answer on that link */
export function closedBecause(reason: Error | undefined, wasConnected: boolean): string {
  if (reason instanceof HandshakeTimeoutError) {
    return wasConnected ? 'connected, no answer in time' : 'no connection in time'
  }
  if (reason instanceof TlsError) return reason.found
  if (reason instanceof ProtocolError) return `connected, no valid answer: ${reason.message}`
  const code = reason === undefined ? undefined : (reason as NodeJS.ErrnoException).code
  if (wasConnected) {
    return code === undefined
      ? 'connected, then closed without an answer: it may want TLS, or a certificate'
      : `connected, then lost without an answer: ${code}`
  }
  return (code === undefined ? undefined : words[code]) ?? reason?.message ?? 'connection closed'
}
