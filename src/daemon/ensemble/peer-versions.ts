// The version of the peer protocol to dial each server with, so that servers of two releases work
// together while an ensemble is upgraded, one server at a time:
//
//   newer server                   older server
//     hello, our newest ────────────▶
//                        ◀──────────── refusal, in its own version
//     hello, that version ──────────▶          the next attempt
//                        ◀──────────── hello
//
// A server that is dialled answers in the version of the hello.

import { type PeerVersions, peerVersions } from '../../protocol/peer/hello.ts'
import type { ServerId } from '../../protocol/records.ts'

export class DialledVersions {
  readonly spoken: PeerVersions
  /** of servers that have just refused our newest: for the next attempt only */
  readonly #next = new Map<ServerId, number>()

  constructor(spoken = peerVersions) {
    this.spoken = spoken
  }

  /** For one attempt; the server may have been upgraded by the one after it. */
  take(peer: ServerId): number {
    const version = this.#next.get(peer) ?? this.spoken.newest
    this.#next.delete(peer)
    return version
  }

  /**
   * The server refused a hello of version `said`, in its own.
   *
   * @returns whether that is why, and the next attempt may succeed
   */
  refused(peer: ServerId, said: number, own: number): boolean {
    if (own >= said) return false
    this.#next.set(peer, own)
    return true
  }
}
