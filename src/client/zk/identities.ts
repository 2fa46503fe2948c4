// What proved who the client is: to be proved again to each server that it comes to, before anything
// else is asked there. Pure.

import type { Request } from '../../protocol/zk/messages.ts'

export type AuthRequest = Extract<Request, { type: 'auth' }>

/** A credential on which so many links were lost without an answer is not sent again: it may be why. */
const lossesMax = 3

export class Identities {
  #proved: AuthRequest[] = []
  /** links lost in a row while a credential was being judged */
  #lossCount = 0

  /** In the order in which they were proved. */
  get proved(): readonly AuthRequest[] {
    return this.#proved
  }

  /** A server accepted it. */
  remember({ scheme, credential }: AuthRequest): void {
    const isKnown = this.#proved.some(
      (one) => one.scheme === scheme && Buffer.compare(one.credential, credential) === 0,
    )
    if (isKnown) return
    this.#proved.push({ type: 'auth', scheme, credential: Uint8Array.from(credential) })
  }

  /** The next server is not asked to take it. */
  forget(request: Request): void {
    this.#proved = this.#proved.filter((identity) => identity !== request)
  }

  /** A credential was accepted or refused. */
  judged(): void {
    this.#lossCount = 0
  }

  /** A link was lost while a credential was being judged. @returns whether it is not to be sent again */
  linkLost(): boolean {
    this.#lossCount++
    if (this.#lossCount < lossesMax) return false
    this.#lossCount = 0
    return true
  }
}
