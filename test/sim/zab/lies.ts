// Messages that no server of the ensemble sends: votes that were never cast, strangers that claim
// to be a server which is down, a leader that names a wrong epoch. Safety must not depend on them
// being true.

import type { Vote, ZabMessage } from '../../../src/protocol/peer/messages.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import { makeZxid, zxidZero } from '../../../src/protocol/zxid.ts'
import { farEpoch } from './rules.ts'
import type { Incarnation } from './server.ts'
import type { ZabShell } from './shell.ts'
import type { ZabWorld } from './world.ts'

type NewEpoch = Extract<ZabMessage, { type: 'NEWEPOCH' }>
type Cepoch = Extract<ZabMessage, { type: 'CEPOCH' }>

export class Lies {
  readonly #world: ZabWorld
  readonly #shell: ZabShell
  #forgedEpoch = 1_000_000
  #misannounced: 'behind' | 'far' | undefined
  #boasts = false

  constructor(world: ZabWorld, shell: ZabShell) {
    this.#world = world
    this.#shell = shell
  }

  /**
   * Decides an election: a looking server receives votes for `leader` that were never cast; sent to
   * all servers they decide for all, otherwise the server believes that `leader` leads already.
   */
  elect(id: number, leader: number, { everybody }: { readonly everybody: boolean }): void {
    const process = this.#world.server(id).running
    const word = process?.word
    if (process === undefined || process.role.type !== 'looking' || word === undefined) return
    this.#world.trace(`${id} is made to elect ${leader}`)
    this.#world.coverage.cover(everybody ? 'forged election' : 'forged leader')
    const epoch = ++this.#forgedEpoch
    const { zxid } = word.vote
    const vote: Vote = { epoch, zxid, standing: 'voter', id: leader as ServerId }
    for (const { id: from } of this.#world.servers) {
      const lies = from === leader ? ('leading' as const) : ('following' as const)
      const message = everybody
        ? { ...word, vote }
        : { ...word, vote, role: lies, establishedEpoch: epoch, initialised: true }
      if (from !== id) this.#shell.step(process, { type: 'received', from, message })
    }
  }

  /**
   * A stranger claims to be another server, which is down. It knows everything but the ensemble's
   * name, so none of its messages may count.
   */
  stranger(id: number, as: number): void {
    const { random, events } = this.#world
    const server = this.#world.server(id)
    const process = server.running
    const peer = as as ServerId
    if (process === undefined || process.zab.ensembleId === undefined) return
    if (server.isPaused || process.links.has(peer)) return
    if (id === as || this.#world.server(as).running !== undefined) return
    this.#world.trace(`a stranger comes to ${id} as ${as}`)
    this.#world.coverage.cover('stranger')
    process.liars.add(peer)
    process.strangers.add(peer)
    this.#shell.step(process, { type: 'connected', peer, isMember: false })
    for (let i = 1 + random.below(4); i > 0; i--) {
      const message = this.#lie(process, peer)
      if (process.strangers.has(peer)) {
        this.#shell.step(process, { type: 'received', from: peer, message })
      }
    }
    events.after(random.next() * 500, () => {
      process.enter(() => this.strangerLeaves(process, peer))
    })
  }

  #lie({ word }: Incarnation, as: ServerId): ZabMessage {
    const { random } = this.#world
    const initialised = true
    const vote = {
      epoch: farEpoch,
      zxid: makeZxid({ epoch: farEpoch, counter: 1 }),
      standing: 'voter',
      id: as,
    } as const
    const round = random.chance(0.5) ? 2 ** 50 : (word?.round ?? 0)
    return random.pick<ZabMessage>([
      {
        ...{ type: 'NOTIFICATION', vote, round, role: 'looking', establishedEpoch: 0, initialised },
        configuration: zxidZero,
      },
      {
        type: 'NOTIFICATION',
        vote,
        round,
        role: 'leading',
        establishedEpoch: farEpoch,
        initialised,
        configuration: zxidZero,
      },
      { type: 'CEPOCH', acceptedEpoch: farEpoch, currentEpoch: farEpoch, initialised },
      { type: 'ACKEPOCH', currentEpoch: farEpoch, lastZxid: vote.zxid, counts: true },
      { type: 'NEWEPOCH', epoch: farEpoch, founds: undefined, asksForPromise: true },
      { type: 'TRUNC', to: zxidZero },
    ])
  }

  strangerLeaves(process: Incarnation, peer: ServerId): void {
    if (!process.strangers.delete(peer)) return
    this.#shell.step(process, { type: 'disconnected', peer })
  }

  /**
   * The next NEWEPOCH to a counted server names another epoch: the one before its own last promise,
   * or a remote one. Our leaders never do that, but the server must not rely on it.
   */
  misannounce(as: 'behind' | 'far'): void {
    this.#misannounced = as
  }

  /** The next CEPOCH of an observer names an epoch that its leader does not know. */
  boast(): void {
    this.#boasts = true
  }

  /** The CEPOCH of an observer that really arrives. */
  maybeBoast(message: Cepoch, receiver: Incarnation): Cepoch {
    if (!this.#boasts) return message
    this.#boasts = false
    this.#world.coverage.cover('CEPOCH of an observer ahead')
    const acceptedEpoch = receiver.zab.epochs.acceptedEpoch + 1 + this.#world.random.below(4)
    return { ...message, acceptedEpoch, currentEpoch: acceptedEpoch, initialised: true }
  }

  /** The NEWEPOCH that really arrives. */
  maybeMisannounced(message: NewEpoch, receiver: Incarnation, from: ServerId): NewEpoch {
    const as = this.#misannounced
    const { acceptedEpoch, initialised } = receiver.zab.epochs
    if (as === undefined || !initialised || acceptedEpoch < 2) return message
    this.#misannounced = undefined
    this.#world.coverage.cover(`NEWEPOCH ${as}`)
    receiver.liars.add(from)
    return { ...message, epoch: as === 'far' ? farEpoch : acceptedEpoch - 1 }
  }
}
