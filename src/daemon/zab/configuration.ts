// The configurations of the ensemble that a server's log holds: which servers vote from which
// transaction on. A change takes two transactions, the second one proposed once the first is
// committed:
//
//   propose    names the new voters. From its place in the log on, a quorum of the former voters
//              and a quorum of the new ones are needed for everything
//   activate   from here on, a quorum of the new ones
//
// The first one is that of the servers' files. It has no transaction: the leader of the first epoch
// sends its own with NEWLEADER, and servers save it with that epoch (`Epochs.agreed`). Its version is
// the epoch's zxid before the first transaction.
//
// The last one in the log is in force, committed or not: a leader that does not have it yet is
// elected by the rules before it, and one that has it by its own. A cut of the log takes it back.
// Until a change is committed, its server does not know whether others go by it, and stands for
// election by the configurations before it, too.
//
// Sources: ZOOKEEPER-1783 for the first version; joint consensus, in Ongaro, "Consensus: Bridging
// Theory and Practice" (2014), section 4.3.

import { invariant } from '../../invariant.ts'
import type { Standing } from '../../protocol/peer/messages.ts'
import type { ServerId } from '../../protocol/records.ts'
import { counterOf, type Zxid } from '../../protocol/zxid.ts'
import { Membership } from './membership.ts'
import { type Electorate, majority } from './quorum.ts'

export interface Configuration {
  /** of the transaction that proposed it; counter 0: in the servers' files; 0: not agreed yet */
  readonly version: Zxid
  readonly voters: readonly ServerId[]
  /** addresses, roles, groups and weights of all servers; opaque to Zab, but see `GroupsIn` */
  readonly text: string
}

/** One that has no version yet. */
export type ProposedConfiguration = Pick<Configuration, 'voters' | 'text'>

/** The groups of the voters by the text of a configuration; undefined if a majority decides. */
export type GroupsIn = (text: string) => Electorate | undefined

/** How the voters of a configuration decide. */
export function electorateOf(
  { voters, text }: ProposedConfiguration,
  groupsIn: GroupsIn | undefined,
): Electorate {
  return groupsIn?.(text) ?? majority(voters)
}

/** What a transaction does to the configuration. */
export type ConfigurationChange =
  | {
      readonly type: 'propose'
      readonly voters: readonly ServerId[]
      readonly text: string
      /** what it replaces; by default, the last one in the log */
      readonly before?: Configuration | undefined
    }
  | { readonly type: 'activate' }

export interface ConfigurationState {
  readonly last: Configuration
  /** the one before, as long as `last` is not active */
  readonly before: Configuration | undefined
}

interface Place {
  /** where it begins in the log */
  readonly zxid: Zxid
  readonly state: ConfigurationState
  readonly membership: Membership
  /** once it is active, which other servers may know before us */
  readonly active: Membership
}

export class Configurations {
  /** By ascending zxid; the first is that of what was delivered. */
  #places: Place[]
  readonly #groupsIn: GroupsIn | undefined

  /** @param delivered `state` is that of the history up to there */
  constructor(state: ConfigurationState, delivered: Zxid, groupsIn?: GroupsIn) {
    this.#groupsIn = groupsIn
    this.#places = [this.#placeOf(state, delivered)]
  }

  /** The last one in the log. */
  get membership(): Membership {
    return this.#last.membership
  }

  get state(): ConfigurationState {
    return this.#last.state
  }

  /** The transaction that made `state` what it is. */
  get since(): Zxid {
    return this.#last.zxid
  }

  /** A configuration was proposed that is not active yet. */
  get isJoint(): boolean {
    return this.#last.state.before !== undefined
  }

  /** Whether `id` votes by the last configuration, or by one that may still be in force. */
  concerns(id: ServerId): boolean {
    return this.#places.some(({ membership }) => membership.isVoter(id))
  }

  standingOf(id: ServerId): Standing {
    if (this.membership.isVoter(id)) return 'voter'
    return this.concerns(id) ? 'former' : 'none'
  }

  /** Whether it is a quorum by one of the configurations that may be in force elsewhere. */
  mayBeQuorum(agrees: (voter: ServerId) => boolean): boolean {
    return this.#places.some(({ active }) => active.quorum.has(agrees))
  }

  /** A change is appended to the log. */
  append(zxid: Zxid, change: ConfigurationChange): void {
    this.#places.push(this.#placeOf(changed(this.state, zxid, change), zxid))
  }

  /** The ensemble agreed on its first configuration. What transactions made of it stays. */
  agree(configuration: Configuration): void {
    const [first] = this.#places
    if (first === undefined || !isOfFiles(first.state.last)) return
    this.#places[0] = this.#placeOf({ last: configuration, before: undefined }, first.zxid)
  }

  truncateAfter(zxid: Zxid): void {
    this.#places = this.#places.filter((place, i) => i === 0 || place.zxid <= zxid)
  }

  delivered(upTo: Zxid): void {
    while ((this.#places[1]?.zxid ?? Infinity) <= upTo) this.#places.shift()
  }

  /** The log begins anew after a tree that shows `state`. */
  restartAfter(zxid: Zxid, state: ConfigurationState): void {
    this.#places = [this.#placeOf(state, zxid)]
  }

  #placeOf(state: ConfigurationState, zxid: Zxid): Place {
    const last = electorateOf(state.last, this.#groupsIn)
    const before = state.before && electorateOf(state.before, this.#groupsIn)
    const active = new Membership(last)
    const membership = before === undefined ? active : new Membership(last, before)
    return { zxid, state, membership, active }
  }

  get #last(): Place {
    const last = this.#places.at(-1)
    invariant(last !== undefined, 'an ensemble has a configuration')
    return last
  }
}

/** Whether no transaction made it. */
export function isOfFiles({ version }: Configuration): boolean {
  return counterOf(version) === 0
}

function changed(
  { last, before }: ConfigurationState,
  zxid: Zxid,
  change: ConfigurationChange,
): ConfigurationState {
  if (change.type === 'activate') return { last, before: undefined }
  invariant(before === undefined, 'a configuration is proposed when the one before is active')
  const { voters, text } = change
  return { last: { version: zxid, voters, text }, before: change.before ?? last }
}
