// The open links to the other servers, one for each. link-opener.ts adds a link after the hellos, and
// passes on every frame that follows.
//
// A server id belongs to the process that already has a link: another one with the same id challenges
// it (challenges.ts). Servers that did not name one ensemble in their hellos may do so later.
//
// Next on the path: routing.ts.

import type { Clock } from '../../clock.ts'
import type { MsgpackReader } from '../../protocol/msgpack.ts'
import { decodePeerMessage } from '../../protocol/peer/codec.ts'
import { IdentitiesCodec } from '../../protocol/peer/identities.ts'
import type { PeerMessage, RoutedMessage } from '../../protocol/peer/messages.ts'
import type { ServerId } from '../../protocol/records.ts'
import { Challenges, type HolderState } from './challenges.ts'
import type { LinkNotices } from './link-notices.ts'
import type { PeerLink, Stream } from './peer-link.ts'

export interface PeerLinksOptions {
  /** our own, as soon as this server has one */
  readonly ensembleId: () => string | undefined
  readonly clock: Clock
  readonly notices: LinkNotices
  /** `isMember`: see ZabInput. `voters`: by its list, if that differs from ours. */
  readonly onConnected: (
    peer: ServerId,
    info: { readonly isMember: boolean; readonly voters: readonly ServerId[] | undefined },
  ) => void
  /** A connected peer named our ensemble. */
  readonly onMember: (peer: ServerId) => void
  /** Not called for links that `disconnect` or `refuse` closed. */
  readonly onDisconnected: (peer: ServerId) => void
  /** A link was refused by either side after the hellos: it is dialled again later. */
  readonly onRefused: (peer: ServerId) => void
  /** Bytes in `message` are valid during the call. */
  readonly onMessage: (peer: ServerId, message: RoutedMessage) => void
}

export class PeerLinks {
  readonly #options: PeerLinksOptions
  readonly #open = new Map<ServerId, PeerLink>()
  readonly #challenges: Challenges
  readonly #identities = new IdentitiesCodec()

  constructor(options: PeerLinksOptions) {
    this.#options = options
    this.#challenges = new Challenges(options.clock)
  }

  /** With how many peers a link is open. */
  get linkCount(): number {
    return this.#open.size
  }

  get connected(): readonly ServerId[] {
    return [...this.#open.keys()]
  }

  send(peer: ServerId, message: PeerMessage): void {
    this.#open.get(peer)?.send(message)
  }

  /** Sends the stream to its end; later messages queue behind it. */
  stream(peer: ServerId, stream: Stream): void {
    const link = this.#open.get(peer)
    if (link === undefined) stream.closed?.()
    else link.stream(stream)
  }

  /** The stream to `peer` has more to send, if it is still in progress. */
  resume(peer: ServerId): void {
    this.#open.get(peer)?.pump()
  }

  /** Closes the link to `peer`; no message of it is delivered any more. It is dialled again. */
  disconnect(peer: ServerId): void {
    this.#open.get(peer)?.destroy()
    this.#forget(peer)
  }

  /** As `disconnect`, but sends the peer the reason. It is dialled again later. */
  refuse(peer: ServerId, reason: string): void {
    this.#open.get(peer)?.refuse(reason)
    this.#forget(peer)
    this.#options.onRefused(peer)
  }

  /** Our ensemble id is new, or has changed: sends it to the peers that may know it. */
  membershipChanged(): void {
    for (const peer of [...this.#open.values()]) this.#compareNames(peer)
  }

  close(): void {
    for (const peer of this.connected) this.disconnect(peer)
  }

  // --- for link-opener.ts ------------------------------------------------------------------------

  /** The open links, by the server at the other end. */
  get open(): ReadonlyMap<ServerId, PeerLink> {
    return this.#open
  }

  /**
   * Another process has the id of `holder`: calls `settled` once with what became of that.
   *
   * @returns false if the id is challenged already
   */
  maybeChallenge(holder: PeerLink, settled: (state: HolderState) => void): boolean {
    return this.#challenges.maybeBegin(holder, settled)
  }

  /** Takes the id of `holder` away from it. */
  displace(holder: PeerLink, reason: string): void {
    const { id: peer, address } = holder
    this.#options.notices.displaced({ peer, address }, reason)
    this.refuse(peer, reason)
    this.#options.onDisconnected(peer)
  }

  /** The process `instance` has a new link: an earlier one is dead, even if that went unnoticed here. */
  endEarlier(id: ServerId, instance: number): void {
    const before = this.#open.get(id)
    if (before === undefined) return
    if (before.instance === instance) this.#challenges.settle(before, 'alive')
    this.disconnect(id)
    this.#options.onDisconnected(id)
  }

  /** @param voters by its list, if that differs from ours */
  add(peer: PeerLink, voters: readonly ServerId[] | undefined): void {
    const { id, isMember } = peer
    this.#open.set(id, peer)
    this.#options.onConnected(id, { isMember, voters })
    if (this.#open.get(id) === peer) this.#compareNames(peer)
  }

  /** @param frame a peer message, dropped if the link is no longer among ours */
  received(peer: PeerLink, frame: MsgpackReader): void {
    if (this.#open.get(peer.id) !== peer) return
    const message = decodePeerMessage(frame, this.#identities)
    switch (message.type) {
      case 'MEMBER':
        peer.named = message.ensembleId
        return this.#compareNames(peer)
      case 'REFUSED':
        return this.#refusedBy(peer, message.reason)
      case 'PROBE':
        return peer.send({ type: 'PROBED' })
      case 'PROBED':
        return this.#challenges.settle(peer, 'alive')
    }
    this.#options.onMessage(peer.id, message)
  }

  /** The link has ended, by whichever side. */
  closed(peer: PeerLink): void {
    if (this.#open.get(peer.id) !== peer) return
    peer.closed()
    this.#open.delete(peer.id)
    this.#options.onDisconnected(peer.id)
    this.#challenges.settle(peer, 'gone')
  }

  #refusedBy({ id: peer, address }: PeerLink, reason: string): void {
    this.#options.onRefused(peer)
    this.#options.notices.refusedBy({ peer, address }, reason)
  }

  /** Sends a peer our ensemble id if it may know it, and checks whether the peer named the same. */
  #compareNames(peer: PeerLink): void {
    const ensembleId = this.#options.ensembleId()
    if (ensembleId === undefined) return
    const isSame = peer.named === ensembleId
    if ((peer.isDialled || isSame) && peer.told !== ensembleId) {
      peer.told = ensembleId
      peer.send({ type: 'MEMBER', ensembleId })
    }
    if (!isSame || peer.isMember) return
    peer.isMember = true
    this.#options.onMember(peer.id)
  }

  #forget(id: ServerId): void {
    const peer = this.#open.get(id)
    this.#open.delete(id)
    if (peer !== undefined) this.#challenges.settle(peer, 'unknown')
  }
}
