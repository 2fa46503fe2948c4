// Where the other servers are dialled: at the addresses that the configuration lists, or that a
// server which is about to join names in its hello. Of several addresses, one is used until it
// fails, and then the next.

import { type Address, formatAddress, readAddress } from '../../address.ts'
import type { ServerId } from '../../protocol/records.ts'

export class PeerAddresses {
  #listed: ReadonlyMap<ServerId, readonly Address[]>
  readonly #named = new Map<ServerId, readonly Address[]>()
  /** how many addresses of a peer have failed so far */
  readonly #failures = new Map<ServerId, number>()

  constructor(listed: ReadonlyMap<ServerId, readonly Address[]>) {
    this.#listed = listed
  }

  /** The servers of the configuration. */
  get peers(): readonly ServerId[] {
    return [...this.#listed.keys()]
  }

  list(listed: ReadonlyMap<ServerId, readonly Address[]>): void {
    this.#listed = listed
  }

  /** A server named its own addresses, which count as long as no list has it. */
  named(peer: ServerId, text: string): void {
    const addresses = text.split('|').flatMap((each) => {
      const address = readAddress(each, 0)
      return typeof address === 'string' ? [] : [address]
    })
    if (addresses.length > 0) this.#named.set(peer, addresses)
  }

  isListed(peer: ServerId): boolean {
    return this.#listed.has(peer)
  }

  /** Where to dial it now. */
  of(peer: ServerId): Address | undefined {
    const addresses = this.#listed.get(peer) ?? this.#named.get(peer) ?? []
    return addresses[(this.#failures.get(peer) ?? 0) % addresses.length]
  }

  failed(peer: ServerId): void {
    this.#failures.set(peer, (this.#failures.get(peer) ?? 0) + 1)
  }

  hostsOf(peer: ServerId): readonly string[] {
    return (this.#listed.get(peer) ?? []).map(({ host }) => host)
  }
}

/** As a hello lists them. */
export function formatAddresses(addresses: readonly Address[]): string {
  return addresses.map(formatAddress).join('|')
}
