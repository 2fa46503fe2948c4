// The configurations of an ensemble of whole servers, and what a run says of them. The judge reads
// them by itself, from the committed transactions and from what clients are shown:
//
//   server.1=s1:1:1:participant;s1:2
//   server.2=s2:1:1:observer;s2:2
//   version=100000003                   that of the transaction that proposed it
//
// From a proposal on, a majority of its voters and of those before it is needed, until its
// activation; the activation itself, and all that follows, needs a majority of its voters.

import type { Configuration, ConfigurationState } from '../../../src/daemon/zab/configuration.ts'
import { invariant } from '../../../src/invariant.ts'
import type { Request } from '../../../src/protocol/zk/messages.ts'
import { formatZxid, type Zxid, zxidZero } from '../../../src/protocol/zxid.ts'

export type Role = 'participant' | 'observer'
/** The role of each server, by its id. */
export type Roles = ReadonlyMap<number, Role>
/** A majority of each is needed. */
export type Groups = readonly (readonly number[])[]

export const peerPort = 1
export const clientPort = 2

export function serverLine(id: number, role: Role): string {
  return `server.${id}=s${id}:${peerPort}:${peerPort}:${role};s${id}:${clientPort}`
}

/** By ascending id. */
export function textOfRoles(roles: Roles): string {
  const servers = [...roles].sort(([a], [b]) => a - b)
  return servers.map(([id, role]) => serverLine(id, role)).join('\n')
}

export function rolesIn(text: string): Roles {
  const roles = new Map<number, Role>()
  for (const [, id, role] of text.matchAll(/server\.(\d+)=[^:\s]+:\d+:\d+:(\w+)/g)) {
    roles.set(Number(id), role as Role)
  }
  return roles
}

export function votersIn(roles: Roles): readonly number[] {
  return [...roles].flatMap(([id, role]) => (role === 'participant' ? [id] : []))
}

/** What a client's request makes of them. */
export function changedRoles(
  before: Roles,
  request: Extract<Request, { type: 'reconfig' }>,
): Roles {
  const { joining, leaving, members } = request
  if (members !== undefined) return rolesIn(members)
  const leavers = new Set((leaving ?? '').split(',').map(Number))
  const staying = [...before].filter(([id]) => !leavers.has(id))
  return new Map([...staying, ...rolesIn(joining ?? '')])
}

/** What a transaction that changes the ensemble stores. */
export interface Change {
  /** what clients are shown: members and version */
  readonly shown: string
  readonly roles: Roles
  /** the voters before it; undefined for an activation */
  readonly before: readonly number[] | undefined
}

export function changeIn(data: Uint8Array): Change {
  const [shown = '', before] = Buffer.from(data).toString('latin1').split('\0')
  return {
    shown,
    roles: rolesIn(shown),
    before: before === undefined ? undefined : votersIn(rolesIn(before)),
  }
}

interface Place {
  readonly zxid: Zxid
  readonly roles: Roles
  readonly groups: Groups
}

export class EnsembleJudge {
  /** by ascending zxid */
  readonly #places: Place[]
  readonly #texts = new Map<Zxid, string>()
  /** in the files of the servers that begin the ensemble */
  readonly #text: string
  #first: Configuration | undefined

  constructor(roles: Roles) {
    this.#text = textOfRoles(roles)
    this.#places = [{ zxid: zxidZero, roles, groups: [votersIn(roles)] }]
  }

  /** The configuration that the servers agreed on before any change. */
  get first(): Configuration | undefined {
    return this.#first
  }

  /** Of the last committed configuration. */
  get roles(): Roles {
    return this.#placeAt(Infinity as Zxid).roles
  }

  /** A committed change is not active yet. */
  get isJoint(): boolean {
    return this.#placeAt(Infinity as Zxid).groups.length > 1
  }

  /** A transaction is committed that changes the ensemble. */
  changed(zxid: Zxid, data: Uint8Array): void {
    const { roles, before } = changeIn(data)
    const last = this.#placeAt(zxid)
    const voters = votersIn(roles)
    if (before === undefined) {
      invariant(last.groups.length > 1, 'what is activated was proposed')
      invariant(
        textOfRoles(last.roles) === textOfRoles(roles),
        'what is activated is what was proposed',
      )
    } else {
      invariant(last.groups.length === 1, 'two changes of the ensemble never overlap')
      invariant(last.groups.join() === before.join(), 'a change names the voters that it replaces')
    }
    const groups = before === undefined ? [voters] : [before, voters]
    this.#places.push({ zxid, roles, groups })
  }

  /**
   * Whether enough servers hold what was proposed as `zxid`. Behind a proposed change, its own voters
   * are enough as soon as the activation is logged.
   */
  isQuorum(zxid: Zxid, holds: (id: number) => boolean): boolean {
    const place = this.#placeAt(zxid)
    const groups = place.zxid === zxid ? place.groups : place.groups.slice(-1)
    return groups.every((voters) => voters.filter(holds).length > voters.length / 2)
  }

  /** Whether a server that has applied everything up to `zxid` may go on leading. */
  mayLead(id: number, zxid: Zxid): boolean {
    return this.#placeAt(zxid).groups.some((voters) => voters.includes(id))
  }

  /** A server goes by these configurations, committed or not. */
  saw({ last, before }: ConfigurationState): void {
    for (const { version, text } of before === undefined ? [last] : [last, before]) {
      if (version === zxidZero) continue
      const known = this.#texts.get(version)
      invariant(
        known === undefined || known === text,
        `servers hold one configuration under the version ${formatZxid(version)}`,
      )
      this.#texts.set(version, text)
    }
  }

  /** A leader has established an epoch. */
  established({ last, before }: ConfigurationState): void {
    invariant(last.version > zxidZero, 'an epoch begins with a configuration that is agreed on')
    if (this.#places.length > 1 || before !== undefined) return
    // The leader may have a change in its log that was never committed.
    if (!isFirst(last)) return
    this.#first ??= last
    invariant(last.text === this.#text, 'the first configuration is that of the files')
    invariant(this.#first.version === last.version, 'the first configuration is agreed on once')
  }

  #placeAt(zxid: Zxid): Place {
    const place = this.#places.findLast((one) => one.zxid <= zxid)
    invariant(place !== undefined, 'an ensemble has a configuration')
    return place
  }
}

function isFirst({ version }: Configuration): boolean {
  return version % 2 ** 32 === 0
}
