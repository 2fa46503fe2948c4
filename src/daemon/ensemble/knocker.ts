// A server does not dial servers with larger ids. If one of them does not dial it either, it
// knocks: it sends its hello and learns why there is no link, so that both sides log the reason.
// link-opener.ts answers a knock.

import { formatAddress } from '../../address.ts'
import type { Clock } from '../../clock.ts'
import { limits } from '../../limits.ts'
import { MsgpackReader } from '../../protocol/msgpack.ts'
import { decodeGreeting, type PeerHello } from '../../protocol/peer/hello.ts'
import type { ServerId } from '../../protocol/records.ts'
import type { Link, LinkOptions, Transport } from '../../protocol/transport/transport.ts'
import type { PeerAddresses } from './peer-addresses.ts'
import { peerLinkOptions, writeGreeting } from './peer-port.ts'
import type { DiallerProof } from './peer-proof.ts'
import type { DialledVersions } from './peer-versions.ts'

/** How often a server knocks at a peer without a link, and how long it pauses after a refusal. */
const knockMs = 3000
const knockAfterRefusalMs = 30_000

/** How long it waits for the answer, which comes after the peer has tried to dial it. */
const knockPatienceMs = 8000

export interface KnockerOptions {
  /** The servers that we do not dial. */
  readonly peers: () => readonly ServerId[]
  readonly addresses: PeerAddresses
  readonly transport: Transport
  readonly clock: Clock
  readonly versions: DialledVersions
  /** of a new link */
  readonly proof: () => DiallerProof
  readonly hello: (challenge: Buffer | undefined) => PeerHello
  readonly isLinked: (peer: ServerId) => boolean
  readonly onRefused: (peer: ServerId, address: string, reason: string) => void
}

// biome-ignore lint/plugin/noObjectSpread: once per process
const knockOptions: LinkOptions = { ...peerLinkOptions, frameBytesMax: limits.peerHelloBytesMax }

export class Knocker {
  readonly #options: KnockerOptions
  readonly #reader = new MsgpackReader()
  readonly #knocking = new Set<Link>()
  /** when a peer last refused us, or we refused it */
  readonly #refusedMs = new Map<ServerId, number>()
  #stop: (() => void) | undefined

  constructor(options: KnockerOptions) {
    this.#options = options
  }

  start(): void {
    const { peers, clock } = this.#options
    this.#stop = clock.every(knockMs, () => {
      for (const peer of peers()) this.#maybeKnock(peer)
    })
  }

  /** Both sides have logged why there is no link. */
  refused(peer: ServerId): void {
    this.#refusedMs.set(peer, this.#options.clock.nowMs())
  }

  /** There is a link: whatever a refusal was for is over. */
  linked(peer: ServerId): void {
    this.#refusedMs.delete(peer)
  }

  close(): void {
    this.#stop?.()
    for (const link of this.#knocking) link.destroy()
  }

  #maybeKnock(peer: ServerId): void {
    const {
      addresses,
      clock,
      hello,
      isLinked,
      onRefused,
      proof: newProof,
      transport,
      versions,
    } = this.#options
    const refusedMs = this.#refusedMs.get(peer) ?? Number.NEGATIVE_INFINITY
    const address = addresses.of(peer)
    if (address === undefined || isLinked(peer)) return
    if (clock.nowMs() - refusedMs < knockAfterRefusalMs) return
    let isAnswered = false
    const proof = newProof()
    const version = versions.take(peer)
    // It hears greetings only, and is established at once because it may wait longer for them.
    const link = transport.dial(address, knockOptions, {
      frame: (buffer, start, end) => {
        isAnswered = true
        const reader = this.#reader.reset(buffer, start, end)
        const { greeting, version: own } = decodeGreeting(reader, versions.spoken)
        if (greeting.type === 'challenge') {
          const step = proof.answer(greeting)
          if (step.type === 'send') return writeGreeting(link, step.greeting, version)
        }
        if (greeting.type === 'refusal' && !versions.refused(peer, version, own)) {
          onRefused(peer, formatAddress(address), greeting.reason)
        }
        link.close()
      },
      closed: () => {
        // The peer is down, or has dialled us in the meantime.
        cancel()
        if (!isAnswered) addresses.failed(peer)
        this.#knocking.delete(link)
      },
    })
    this.#knocking.add(link)
    writeGreeting(link, hello(proof.challenge), version)
    link.established()
    const cancel = clock.after(knockPatienceMs, () => link.close())
  }
}
