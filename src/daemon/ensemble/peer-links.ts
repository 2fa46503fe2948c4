// Links to the other servers: one per pair, dialled by the server with the larger id, and dialled
// again whenever it breaks. Next on the path: routing.ts.
//
//   dialling server             dialled server
//     hello, our ensemble ─────▶
//              ◀──────────────▶  both prove that they know the secret, if there is one (peer-proof.ts)
//                                greeting.ts judges the hello
//     judges it ◀───────────── hello, or the reason of a refusal
//
// A server id belongs to the process that already has a link (challenges.ts). A server without a
// link to one with a larger id knocks there (knocker.ts); this file answers knocks.

import { type Address, formatAddress, type ListenAddress } from '../../address.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import { oneLine, printable } from '../../printable.ts'
import { ProtocolError } from '../../protocol/error-codes.ts'
import { MsgpackReader } from '../../protocol/msgpack.ts'
import { decodePeerMessage, encodePeerMessage } from '../../protocol/peer/codec.ts'
import {
  decodeGreeting,
  type Greeting,
  type ListedServer,
  type PeerHello,
  PeerVersionError,
  type PeerVersions,
} from '../../protocol/peer/hello.ts'
import { IdentitiesCodec } from '../../protocol/peer/identities.ts'
import type { PeerMessage, RoutedMessage } from '../../protocol/peer/messages.ts'
import type { ServerId } from '../../protocol/records.ts'
import { kindOf } from '../../protocol/strangers.ts'
import { Listeners } from '../../protocol/transport/listeners.ts'
import type { Link, LinkListener, Transport } from '../../protocol/transport/transport.ts'
import { RareWarnings } from '../../rare-warnings.ts'
import { Challenges } from './challenges.ts'
import { answerTo, describeMembers, judgeHello, mayMeet, votersIn } from './greeting.ts'
import { Knocker } from './knocker.ts'
import { PeerAddresses } from './peer-addresses.ts'
import { PeerLink, type Stream } from './peer-link.ts'
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

/** Most characters logged of a reason that came from outside. */
const reasonLengthMax = 1000

export interface PeerLinksOptions {
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
  /** `isMember`: see ZabInput. `voters`: by its list, if that differs from ours. */
  readonly onConnected: (
    peer: ServerId,
    info: { readonly isMember: boolean; readonly voters: readonly ServerId[] | undefined },
  ) => void
  /** A connected peer named our ensemble. */
  readonly onMember: (peer: ServerId) => void
  /** Not called for links that `disconnect` or `refuse` closed. */
  readonly onDisconnected: (peer: ServerId) => void
  /** Bytes in `message` are valid during the call. */
  readonly onMessage: (peer: ServerId, message: RoutedMessage) => void
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

export class PeerLinks {
  readonly #options: PeerLinksOptions
  readonly #open = new Map<ServerId, PeerLink>()
  #members: readonly ListedServer[]
  /** in our hello: the members, and this server */
  #named: readonly ListedServer[]
  readonly #addresses: PeerAddresses
  /** The servers that are dialled again whenever their link breaks. */
  readonly #dialled = new Set<ServerId>()
  readonly #challenges: Challenges
  readonly #reader = new MsgpackReader()
  readonly #identities = new IdentitiesCodec()
  readonly #redials: Redials
  readonly #knocker: Knocker
  readonly #versions: DialledVersions
  readonly #warnings: RareWarnings
  /** Knocks that wait for the result of our next attempt to dial their server. */
  readonly #knocks = new Map<ServerId, { readonly entry: Entry; readonly atMs: number }>()
  readonly #listeners: Listeners
  #closed = false

  constructor(options: PeerLinksOptions) {
    const { clock, instance, logger, secret, self, transport } = options
    this.#options = options
    this.#members = this.#named = options.members
    this.#addresses = new PeerAddresses(options.peers)
    this.#challenges = new Challenges(clock)
    this.#redials = new Redials(clock)
    this.#versions = new DialledVersions(options.versions)
    this.#warnings = new RareWarnings(logger, clock)
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
      isLinked: (peer) => this.#open.has(peer),
      onRefused: (peer, address, reason) => this.#refusedBy(peer, address, reason),
    })
  }

  /** The port bound, once listening. */
  get port(): number | undefined {
    return this.#listeners.port
  }

  /** With how many peers a link is open. */
  get linkCount(): number {
    return this.#open.size
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

  get connected(): readonly ServerId[] {
    return [...this.#open.keys()]
  }

  #dialSmaller(): void {
    const { self } = this.#options
    for (const peer of this.#addresses.peers) {
      if (peer < self && !this.#dialled.has(peer)) this.#dial(peer)
    }
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
    this.#noteRefusal(peer)
  }

  /** Our ensemble id is new, or has changed: sends it to the peers that may know it. */
  membershipChanged(): void {
    for (const peer of [...this.#open.values()]) this.#compareNames(peer)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#redials.close()
    this.#knocker.close()
    for (const peer of [...this.#open.keys()]) this.disconnect(peer)
    await this.#listeners.close()
    this.#warnings.close()
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
        else if (this.#open.get(peer.id) === peer) {
          this.#received(peer, decodePeerMessage(reader, this.#identities))
        }
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
    const { address, expected } = entry
    const ours = this.#ours()
    const stranger = this.#certificateProblem(entry, greeting.serverId)
    if (stranger !== undefined) return this.#refuseLink(entry, greeting.serverId, stranger)
    const { isOpen = false } = this.#options
    const verdict = judgeHello(ours, greeting, expected, { isOpen })
    if (verdict.type === 'refuse') return this.#refuseLink(entry, greeting.serverId, verdict.reason)
    const third = isOpen ? undefined : this.#thirdList(greeting)
    if (third !== undefined) return this.#refuseLink(entry, greeting.serverId, third)
    const holder = this.#open.get(greeting.serverId)
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
      this.#displace(holder, `two processes have the id of server ${holder.id}: ${found}`)
      return goOn()
    }
    this.#challenge(entry, holder, goOn)
  }

  /** Two lists that may not meet must not meet through a third one, such as ours. */
  #thirdList({ serverId, members }: PeerHello): string | undefined {
    for (const peer of this.#open.values()) {
      if (peer.id === serverId || mayMeet(peer.members, members)) continue
      const [there, here] = [describeMembers(peer.members), describeMembers(members)]
      return `the lists of servers differ by more than one voter: server ${peer.id}, which is linked \
to this one, has ${there}; server ${serverId} has ${here}. Give all servers one list before the next`
    }
    return undefined
  }

  /** A server that dialled us by TLS is known by the host of its certificate, not by its hello. */
  #certificateProblem({ expected, link }: Entry, peer: ServerId): string | undefined {
    const { verifiesDiallerHost } = this.#options
    const certificate = link.tls?.certificate
    const hosts = this.#addresses.hostsOf(peer)
    if (verifiesDiallerHost !== true || expected !== undefined) return undefined
    if (certificate === undefined || hosts.length === 0) return undefined
    if (hosts.some((host) => certificate.names(host))) return undefined
    const shown = `its certificate (${certificate.subject})`
    return `${shown} does not name ${hosts.join(' or ')}, the host of server ${peer}`
  }

  #establish(entry: Entry, hello: PeerHello, { isMember }: { readonly isMember: boolean }): void {
    const { onConnected, onDisconnected } = this.#options
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
    const before = this.#open.get(id)
    // The peer's old connection is dead, even if that went unnoticed here.
    if (before !== undefined) {
      if (before.instance === hello.instance) this.#challenges.settle(before, 'alive')
      this.disconnect(id)
      onDisconnected(id)
    }
    const peer = new PeerLink(link, this.#identities, { hello, address, isDialled, told, isMember })
    entry.peer = peer
    this.#open.set(id, peer)
    if (!isMember) {
      const message =
        'A server does not name our ensemble: it has no data or other data, and counts once it has taken ours'
      this.#warnings.warn(`no member ${id} ${hello.instance}`, { peer: id, address }, message)
    }
    const { release, logger } = this.#options
    if (hello.release !== release) {
      const theirs = quoted(hello.release ?? 'before 0.3.0')
      logger.info({ peer: id, theirs, ours: release }, 'A server runs another release')
    }
    const differs = !isSameList(votersIn(this.#members), votersIn(hello.members))
    onConnected(id, { isMember, voters: differs ? votersIn(hello.members) : undefined })
    if (this.#open.get(id) === peer) this.#compareNames(peer)
  }

  #challenge(entry: Entry, holder: PeerLink, goOn: () => void): void {
    const { id } = holder
    const isBegun = this.#challenges.maybeBegin(holder, (state) => {
      if (entry.isClosed || this.#closed) return
      if (state === 'gone') return goOn()
      if (state === 'unknown') return entry.link.close()
      const found = `one process is linked from ${holder.address}, another comes from ${entry.address}`
      this.#refuseLink(entry, id, `two processes have the id of server ${id}: ${found}`)
    })
    if (!isBegun) entry.link.close()
  }

  #displace(holder: PeerLink, reason: string): void {
    const { id: peer, address } = holder
    this.#warnings.warn(`displaced ${peer}`, { peer, address, reason }, 'Refusing a peer')
    this.refuse(peer, reason)
    this.#options.onDisconnected(peer)
  }

  #knocked(entry: Entry, { serverId: peer, members }: PeerHello): void {
    if (this.#open.has(peer)) return entry.link.close()
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
    if (this.#open.has(peer) || knock.entry.isClosed) return knock.entry.link.close()
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
    if (expected !== undefined) this.#noteRefusal(expected)
    link.close()
    this.#warnings.warn(
      `refusing ${peer ?? 'one'} ${hostOf(address)} ${reason.replaceAll(address, '')}`,
      { peer, address, reason: quoted(reason) },
      'Refusing a peer',
    )
  }

  #refusedBy(peer: ServerId | undefined, address: string, reason: string): void {
    if (peer !== undefined) this.#noteRefusal(peer)
    this.#warnings.warn(
      `refused by ${peer ?? hostOf(address)} ${reason.replaceAll(/\d+/g, '')}`,
      { peer, address, reason: quoted(reason) },
      'Refused by a peer',
    )
  }

  #noteRefusal(peer: ServerId): void {
    this.#knocker.refused(peer)
    this.#redials.refused(peer)
  }

  // --- open links --------------------------------------------------------------------------------

  #received(peer: PeerLink, message: PeerMessage): void {
    switch (message.type) {
      case 'MEMBER':
        peer.named = message.ensembleId
        return this.#compareNames(peer)
      case 'REFUSED':
        return this.#refusedBy(peer.id, peer.address, message.reason)
      case 'PROBE':
        return peer.send({ type: 'PROBED' })
      case 'PROBED':
        return this.#challenges.settle(peer, 'alive')
    }
    this.#options.onMessage(peer.id, message)
  }

  /** Sends a peer our ensemble id if it may know it, and checks whether the peer named the same. */
  #compareNames(peer: PeerLink): void {
    const { ensembleId } = this.#options.membership()
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

  #linkClosed(entry: Entry, reason: Error | undefined): void {
    const { address, expected, peer } = entry
    entry.isClosed = true
    if (reason instanceof ProtocolError) {
      const from = peer?.id ?? expected
      this.#warnings.warn(
        `closed ${from ?? hostOf(address)} ${kindOf(reason)}`,
        { peer: from, address, reason: reason.message },
        'Closed a peer link',
      )
    }
    if (peer === undefined || this.#open.get(peer.id) !== peer) return
    peer.closed()
    this.#open.delete(peer.id)
    this.#options.onDisconnected(peer.id)
    this.#challenges.settle(peer, 'gone')
  }

  #forget(id: ServerId): void {
    const peer = this.#open.get(id)
    this.#open.delete(id)
    if (peer !== undefined) this.#challenges.settle(peer, 'unknown')
  }
}

function isSameList(a: readonly ServerId[], b: readonly ServerId[]): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i])
}

function describeListen({ host = '0.0.0.0', port }: ListenAddress): string {
  return formatAddress({ host, port })
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':'))
}

/** Text from another server, without characters that could control a terminal. */
function quoted(text: string): string {
  return oneLine(printable(text.slice(0, reasonLengthMax)))
}
