// The credentials that the servers accepted from this client. They are sent again to each new
// server before any other request. Pure.

import type { Request } from '../../protocol/zk/messages.ts'

export type AuthRequest = Extract<Request, { type: 'auth' }>

/**
 * After this many links lost while a credential is unanswered, it is not resent: it may be the
 * cause.
 */
const lossesMax = 3

export class Identities {
  #proved: AuthRequest[] = []
  /** links lost in a row while a credential was unanswered */
  #lossCount = 0

  /** In the order of their acceptance. */
  get proved(): readonly AuthRequest[] {
    return this.#proved
  }

  /** A server accepted this credential. */
  remember({ scheme, credential }: AuthRequest): void {
    const isKnown = this.#proved.some(
      (one) => one.scheme === scheme && Buffer.compare(one.credential, credential) === 0,
    )
    if (isKnown) return
    this.#proved.push({ type: 'auth', scheme, credential: Uint8Array.from(credential) })
  }

  /** Does not send this credential to the next server. */
  forget(request: Request): void {
    this.#proved = this.#proved.filter((identity) => identity !== request)
  }

  /** A credential was accepted or refused. */
  judged(): void {
    this.#lossCount = 0
  }

  /**
   * A link was lost while a credential was unanswered. @returns whether to give the credential up
   */
  linkLost(): boolean {
    this.#lossCount++
    if (this.#lossCount < lossesMax) return false
    this.#lossCount = 0
    return true
  }
}
