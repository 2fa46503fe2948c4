// Opens the links to the other servers: one per pair, dialled by the server with the larger id, and
// dialled again whenever it breaks.
//
//   dialling server             dialled server
//     hello, our ensemble ─────▶
//              ◀──────────────▶  both prove that they know the secret, if there is one (peer-proof.ts)
//                                greeting.ts judges the hello
//     judges it ◀───────────── hello, or the reason of a refusal
//
// A server without a link to one with a larger id knocks there (knocker.ts); this file answers knocks.
// An open link belongs to peer-links.ts. Next on the path: peer-proof.ts.

import { type Address, formatAddress, type ListenAddress } from '../../address.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import { ProtocolError } from '../../protocol/error-codes.ts'
import { MsgpackReader } from '../../protocol/msgpack.ts'
import { encodePeerMessage } from '../../protocol/peer/codec.ts'
import {
  decodeGreeting,
  type Greeting,
  type ListedServer,
  type PeerHello,
  PeerVersionError,
  type PeerVersions,
} from '../../protocol/peer/hello.ts'
import { IdentitiesCodec } from '../../protocol/peer/identities.ts'
import type { ServerId } from '../../protocol/records.ts'
import { Listeners } from '../../protocol/transport/listeners.ts'
import type { Link, LinkListener, Transport } from '../../protocol/transport/transport.ts'
import { answerTo, judgeHello, otherHost, thirdList, votersIn } from './greeting.ts'
import { Knocker } from './knocker.ts'
import { type LinkNotices, quoted } from './link-notices.ts'
import { PeerAddresses } from './peer-addresses.ts'
import { PeerLink } from './peer-link.ts'
import type { PeerLinks } from './peer-links.ts'
import { boundHello, peerLinkOptions, writeGreeting } from './peer-port.ts'
import {
  AcceptorProof,
  DiallerProof,
  type LinkProof,
  type PeerSecret,
  type ProofStep,
} from './peer-proof.ts'
import { DialledVersions } from './peer-versions.ts'
import { Redials } from './redials.ts'

export interface LinkOpenerOptions {
  readonly self: ServerId
  readonly instance: number
  /** of this program */
  readonly release: string
  /** those that this release speaks, by default */
  readonly versions?: PeerVersions | undefined
  /** Every server in the configuration, ascending by id. */
  readonly members: readonly ListedServer[]
  /** how the voters are divided, see PeerHello */
  readonly groups?: string | undefined
  /** The addresses of all other servers, at least one each. */
  readonly peers: ReadonlyMap<ServerId, readonly Address[]>
  /** see `judgeHello` */
  readonly isOpen?: boolean
  readonly membership: () => Pick<PeerHello, 'ensembleId' | 'holdsHistory'>
  /** undefined: the other servers are taken on their word */
  readonly secret: PeerSecret | undefined
  readonly transport: Transport
  /** Whether a certificate of a server that dials has to name the host of that server. */
  readonly verifiesDiallerHost?: boolean | undefined
  readonly clock: Clock
  readonly logger: Logger
  readonly notices: LinkNotices
  /** A link is added to them after the hellos. */
  readonly links: PeerLinks
}

/** A link before, and after, the hellos. */
interface Entry {
  readonly link: Link
  /** the server that we dialled; undefined for an accepted link, whose hello names the server */
  readonly expected: ServerId | undefined
  readonly address: string
  /** of the protocol: that of the first hello */
  version: number
  /** the ensemble that our own hello named, if it was sent */
  readonly told: string | undefined
  readonly proof: LinkProof
  peer: PeerLink | undefined
  isClosed: boolean
}

export class LinkOpener {
  readonly #options: LinkOpenerOptions
  readonly #links: PeerLinks
  #members: readonly ListedServer[]
  /** in our hello: the members, and this server */
  #named: readonly ListedServer[]
  readonly #addresses: PeerAddresses
  /** The servers that are dialled again whenever their link breaks. */
  readonly #dialled = new Set<ServerId>()
  readonly #reader = new MsgpackReader()
  /** of what is sent; peer-links.ts has another for what is received */
  readonly #identities = new IdentitiesCodec()
  readonly #redials: Redials
  readonly #knocker: Knocker
  readonly #versions: DialledVersions
  /** Knocks that wait for the result of our next attempt to dial their server. */
  readonly #knocks = new Map<ServerId, { readonly entry: Entry; readonly atMs: number }>()
  readonly #listeners: Listeners
  #closed = false

  constructor(options: LinkOpenerOptions) {
    const { clock, instance, secret, self, transport } = options
    this.#options = options
    this.#links = options.links
    this.#members = this.#named = options.members
    this.#addresses = new PeerAddresses(options.peers)
    this.#redials = new Redials(clock)
    this.#versions = new DialledVersions(options.versions)
    this.#listeners = new Listeners((address) =>
      transport.listen(address, peerLinkOptions, (link) => this.#accept(link)),
    )
    this.#knocker = new Knocker({
      peers: () => this.#addresses.peers.filter((peer) => peer > self),
      addresses: this.#addresses,
      transport,
      clock,
      versions: this.#versions,
      proof: () => new DiallerProof({ self, instance, secret }),
      hello: (challenge) => this.#ours(challenge),
      isLinked: (peer) => this.#links.open.has(peer),
      onRefused: (peer, address, reason) => this.#refusedBy(peer, address, reason),
    })
  }

  /** The port bound, once listening. */
  get port(): number | undefined {
    return this.#listeners.port
  }

  /** @throws as `net.Server.listen` does: EADDRINUSE, EACCES … */
  async listen(addresses: readonly Address[]): Promise<void> {
    await this.#listeners.listen(addresses)
  }

  /**
   * Listens there as well: servers that do not know of these addresses yet dial the former ones. Where
   * that cannot be, everything stays.
   */
  async listenAlso(addresses: readonly ListenAddress[]): Promise<void> {
    const { logger } = this.#options
    const former = this.#listeners.addresses.map(describeListen)
    const facts = { addresses: addresses.map(describeListen), former }
    try {
      if (!(await this.#listeners.listenAlso(addresses))) return
      logger.info(facts, 'Listening for servers on another address, too, until a restart')
    } catch (err) {
      logger.error(
        Object.assign(facts, { err }),
        'Cannot listen for servers where the ensemble lists this one: the former addresses stay',
      )
    }
  }

  /** Dials the servers with smaller ids, again whenever a link breaks. */
  dialAll(): void {
    this.#dialSmaller()
    this.#knocker.start()
  }

  /** Other servers are to be reached. The links to former ones stay open. */
  setServers(
    members: readonly ListedServer[],
    peers: ReadonlyMap<ServerId, readonly Address[]>,
  ): void {
    this.#members = members
    // A removed server still names its address: servers with larger ids have to dial it.
    const { members: ofFiles, self } = this.#options
    const own = ofFiles.find(({ id }) => id === self)
    const others = members.filter(({ id }) => id !== self)
    const named = [...others, { id: self, address: own?.address ?? '', observes: true }]
    const isMember = others.length < members.length
    this.#named = isMember ? members : named.sort((a, b) => a.id - b.id)
    this.#addresses.list(peers)
    this.#dialSmaller()
  }

  #dialSmaller(): void {
    const { self } = this.#options
    for (const peer of this.#addresses.peers) {
      if (peer < self && !this.#dialled.has(peer)) this.#dial(peer)
    }
  }

  /** The link to `peer` was refused, by either side: it is dialled, or knocked at, again later. */
  refused(peer: ServerId): void {
    this.#knocker.refused(peer)
    this.#redials.refused(peer)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#redials.close()
    this.#knocker.close()
    this.#links.close()
    await this.#listeners.close()
    this.#options.notices.close()
  }

  // --- dialling ----------------------------------------------------------------------------------

  #dial(peer: ServerId): void {
    const address = this.#addresses.of(peer)
    this.#dialled.delete(peer)
    if (address === undefined || this.#closed) return
    this.#dialled.add(peer)
    const sinceMs = this.#options.clock.nowMs()
    const link = this.#options.transport.dial(address, peerLinkOptions, {
      frame: (buffer, start, end) => listener.frame(buffer, start, end),
      drained: () => listener.drained?.(),
      closed: (reason) => {
        listener.closed(reason)
        if (entry.peer === undefined) this.#addresses.failed(peer)
        if (reason !== undefined) this.#answerKnock(peer, sinceMs, reason)
        if (!this.#closed) this.#redials.schedule(peer, () => this.#dial(peer))
      },
    })
    const { self, instance, secret } = this.#options
    const proof = new DiallerProof({ self, instance, secret })
    const ours = this.#ours(proof.challenge)
    const version = this.#versions.take(peer)
    writeGreeting(link, ours, version)
    const entry: Entry = {
      link,
      expected: peer,
      address: formatAddress(address),
      version,
      told: ours.ensembleId,
      proof,
      peer: undefined,
      isClosed: false,
    }
    const listener = this.#greet(entry)
  }

  // --- hellos ------------------------------------------------------------------------------------

  #ours(challenge?: Buffer): PeerHello {
    const { self: serverId, instance, release, groups, membership } = this.#options
    const members = this.#named
    const { ensembleId, holdsHistory } = membership()
    return {
      type: 'hello',
      serverId,
      instance,
      members,
      groups,
      ensembleId,
      holdsHistory,
      challenge,
      release,
    }
  }

  #accept(link: Link): LinkListener {
    const address = formatAddress({ host: link.remoteAddress, port: link.remotePort })
    const { self, instance, secret } = this.#options
    const proof = new AcceptorProof({ self, instance, secret })
    const entry: Entry = {
      link,
      expected: undefined,
      address,
      version: this.#versions.spoken.newest,
      told: undefined,
      proof,
      peer: undefined,
      isClosed: false,
    }
    // biome-ignore lint/plugin/noObjectSpread: once per link
    return { ...this.#greet(entry), firstBytes: boundHello }
  }

  #greet(entry: Entry): LinkListener {
    return {
      frame: (buffer, start, end) => {
        const reader = this.#reader.reset(buffer, start, end)
        const { peer } = entry
        if (peer === undefined) this.#greetedBy(entry, reader)
        else this.#links.received(peer, reader)
      },
      drained: () => entry.peer?.pump(),
      closed: (reason) => this.#linkClosed(entry, reason),
    }
  }

  /** A server of a release that is too new or too old learns by our refusal what we speak. */
  #greetedBy(entry: Entry, reader: MsgpackReader): void {
    const { expected } = entry
    let greeted: ReturnType<typeof decodeGreeting>
    try {
      greeted = decodeGreeting(reader, this.#versions.spoken)
    } catch (error) {
      if (!(error instanceof PeerVersionError) || expected !== undefined) throw error
      return this.#refuseLink(entry, undefined, error.message)
    }
    const { greeting, version } = greeted
    if (expected === undefined) entry.version = version
    else if (greeting.type === 'refusal') {
      if (this.#versions.refused(expected, entry.version, version)) return entry.link.close()
    }
    this.#greeted(entry, greeting)
  }

  #greeted(entry: Entry, greeting: Greeting): void {
    const { address, expected, link, proof } = entry
    switch (greeting.type) {
      case 'refusal':
        this.#refusedBy(expected, address, greeting.reason)
        return link.close()
      case 'hello':
        return this.#proceed(entry, proof.hello(greeting), { hasAnswered: true })
      case 'challenge':
      case 'proof':
        return this.#proceed(entry, proof.answer(greeting), { hasAnswered: false })
    }
  }

  /** @param hasAnswered the other server has sent its hello */
  #proceed(
    entry: Entry,
    step: ProofStep,
    { hasAnswered }: { readonly hasAnswered: boolean },
  ): void {
    switch (step.type) {
      case 'send':
        return writeGreeting(entry.link, step.greeting, entry.version)
      case 'refuse':
        return this.#refuseLink(entry, step.peer, step.reason, { hasAnswered })
      case 'done':
        return this.#judge(entry, step.hello)
    }
  }

  #judge(entry: Entry, greeting: PeerHello): void {
    const { address, expected, link } = entry
    const ours = this.#ours()
    const { isOpen = false, verifiesDiallerHost = false } = this.#options
    if (verifiesDiallerHost && expected === undefined) {
      const hosts = this.#addresses.hostsOf(greeting.serverId)
      const stranger = otherHost(link.tls?.certificate, hosts, greeting)
      if (stranger !== undefined) return this.#refuseLink(entry, greeting.serverId, stranger)
    }
    const verdict = judgeHello(ours, greeting, expected, { isOpen })
    if (verdict.type === 'refuse') return this.#refuseLink(entry, greeting.serverId, verdict.reason)
    const third = isOpen ? undefined : thirdList(this.#links.open.values(), greeting)
    if (third !== undefined) return this.#refuseLink(entry, greeting.serverId, third)
    const holder = this.#links.open.get(greeting.serverId)
    const isClaimed = holder !== undefined && holder.instance !== greeting.instance
    const goOn = (): void => {
      if (verdict.type === 'knock') this.#knocked(entry, greeting)
      else this.#establish(entry, greeting, verdict)
    }
    if (!isClaimed || expected !== undefined) return goOn()
    const isOurs = ours.holdsHistory && verdict.type === 'accept' && verdict.isMember
    if (isOurs && !holder.isMember) {
      // The holder may be a stranger, or an empty machine that was given a used id.
      const found = `the one at ${address} names our ensemble, the one at ${holder.address} does not`
      this.#links.displace(holder, `two processes have the id of server ${holder.id}: ${found}`)
      return goOn()
    }
    this.#challenge(entry, holder, goOn)
  }

  #establish(entry: Entry, hello: PeerHello, { isMember }: { readonly isMember: boolean }): void {
    const { release, logger, notices } = this.#options
    const { address, expected, link } = entry
    const id = hello.serverId
    const isDialled = expected !== undefined
    let { told } = entry
    if (!isDialled) {
      const answer = answerTo(hello, this.#ours())
      told = answer.ensembleId
      writeGreeting(link, answer, entry.version)
    }
    link.established()
    this.#redials.linked(id)
    this.#knocker.linked(id)
    this.#knocks.get(id)?.entry.link.close()
    this.#knocks.delete(id)
    this.#links.endEarlier(id, hello.instance)
    const peer = new PeerLink(link, this.#identities, { hello, address, isDialled, told, isMember })
    entry.peer = peer
    if (!isMember) notices.noMember({ peer: id, address }, hello.instance)
    if (hello.release !== release) {
      const theirs = quoted(hello.release ?? 'before 0.3.0')
      logger.info({ peer: id, theirs, ours: release }, 'A server runs another release')
    }
    const differs = !isSameList(votersIn(this.#members), votersIn(hello.members))
    this.#links.add(peer, differs ? votersIn(hello.members) : undefined)
  }

  #challenge(entry: Entry, holder: PeerLink, goOn: () => void): void {
    const { id } = holder
    const isBegun = this.#links.maybeChallenge(holder, (state) => {
      if (entry.isClosed || this.#closed) return
      if (state === 'gone') return goOn()
      if (state === 'unknown') return entry.link.close()
      const found = `one process is linked from ${holder.address}, another comes from ${entry.address}`
      this.#refuseLink(entry, id, `two processes have the id of server ${id}: ${found}`)
    })
    if (!isBegun) entry.link.close()
  }

  #knocked(entry: Entry, { serverId: peer, members }: PeerHello): void {
    if (this.#links.open.has(peer)) return entry.link.close()
    if (!this.#addresses.isListed(peer)) {
      const { address = '' } = members.find(({ id }) => id === peer) ?? {}
      this.#addresses.named(peer, address)
      if (!this.#dialled.has(peer)) this.#dial(peer)
    }
    entry.link.established() // a knock waits longer than a hello may take
    this.#knocks.get(peer)?.entry.link.close()
    this.#knocks.set(peer, { entry, atMs: this.#options.clock.nowMs() })
  }

  /** Ignores attempts that began before the knock: their obstacle may be gone. */
  #answerKnock(peer: ServerId, sinceMs: number, { message }: Error): void {
    const { self } = this.#options
    const knock = this.#knocks.get(peer)
    const address = this.#addresses.of(peer)
    if (knock === undefined || address === undefined || sinceMs < knock.atMs) return
    this.#knocks.delete(peer)
    if (this.#links.open.has(peer) || knock.entry.isClosed) return knock.entry.link.close()
    const where = formatAddress(address)
    const reason = `server ${self} dials server ${peer} at ${where} and gets no link: ${message}`
    this.#refuseLink(knock.entry, peer, reason)
  }

  #refuseLink(
    { address, expected, link, version }: Entry,
    peer: ServerId | undefined,
    reason: string,
    { hasAnswered = true }: { readonly hasAnswered?: boolean } = {},
  ): void {
    // A server that we dialled and that has answered our hello takes peer messages from now on.
    if (expected === undefined || !hasAnswered) {
      writeGreeting(link, { type: 'refusal', reason }, version)
    } else {
      encodePeerMessage(link.beginFrame(), { type: 'REFUSED', reason }, this.#identities)
      link.endFrame()
    }
    if (expected !== undefined) this.refused(expected)
    link.close()
    this.#options.notices.refusing({ peer, address }, reason)
  }

  #refusedBy(peer: ServerId | undefined, address: string, reason: string): void {
    if (peer !== undefined) this.refused(peer)
    this.#options.notices.refusedBy({ peer, address }, reason)
  }

  #linkClosed(entry: Entry, reason: Error | undefined): void {
    const { address, expected, peer } = entry
    entry.isClosed = true
    if (reason instanceof ProtocolError) {
      this.#options.notices.closed({ peer: peer?.id ?? expected, address }, reason)
    }
    if (peer !== undefined) this.#links.closed(peer)
  }
}

function isSameList(a: readonly ServerId[], b: readonly ServerId[]): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i])
}

function describeListen({ host = '0.0.0.0', port }: ListenAddress): string {
  return formatAddress({ host, port })
}
