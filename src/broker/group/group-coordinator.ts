// The groups that this broker coordinates. The coordinator of a group is chosen among the live
// brokers (coordinator-of.ts). A group is claimed when its first member joins or an offset is
// committed (group-claim.ts), and dropped when it moves to another broker, where its members join
// again and continue from the committed offsets.
//
// Members are kept in memory only; offsets and the generation number are in ZooWeeper.
//
// Next on the path: led-group.ts.

import type { Clock } from '../../clock.ts'
import { limits } from '../../limits.ts'
import type { Logger } from '../../logger.ts'
import { ZkError } from '../../protocol/error-codes.ts'
import { BrokerError, type MqErrorCode } from '../../protocol/mq/error-codes.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'
import type { ClusterImage } from '../cluster/cluster-image.ts'
import type { ZkAccess } from '../cluster/zk-access.ts'
import { zkPaths } from '../cluster/zk-paths.ts'
import { type CommitValue, decodeCommit, encodeCommit } from './commit-text.ts'
import { coordinatorOf } from './coordinator-of.ts'
import type {
  GenerationClaim,
  GroupDescription,
  GroupRules,
  MemberClaim,
  SyncRequest,
} from './group.ts'
import { type CommitWrite, GroupClaim, notCoordinator } from './group-claim.ts'
import { failedJoin, failedSync, type JoinRequest } from './group-members.ts'
import { groupOf, znodeNameOf } from './group-name.ts'
import { LedGroup, type SendJoin, type SendSync } from './led-group.ts'
import { childrenOf, hasCode } from './znodes.ts'

interface GroupCoordinatorOptions {
  readonly self: BrokerId
  readonly image: ClusterImage
  readonly clock: Clock
  readonly log: Logger
  readonly rules: GroupRules
  /** access through the current session; undefined while there is none */
  readonly zk: () => ZkAccess | undefined
}

export interface CommitPartition extends CommitValue {
  readonly topic: string
  readonly partition: number
}

/** undefined if no offset was committed; unreadable if the znode holds no valid offset */
export type StoredCommit = CommitValue | 'unreadable' | undefined

export interface ListedGroup {
  readonly group: string
  readonly state: GroupDescription['state']
  readonly protocolType: string
}

const noMembers = { protocolType: '', protocol: '', members: [] } as const

export class GroupCoordinator {
  readonly #options: GroupCoordinatorOptions
  /** by id */
  readonly #led = new Map<string, LedGroup>()
  readonly #claiming = new Map<string, Promise<LedGroup>>()
  #isClosed = false

  constructor(options: GroupCoordinatorOptions) {
    this.#options = options
  }

  /** @returns the coordinator according to this broker's image of the cluster */
  coordinatorOf(group: string): BrokerId | undefined {
    return coordinatorOf(group, this.#options.image.brokers.keys())
  }

  /** Drops the groups that have moved to other brokers. */
  imageChanged(): void {
    for (const [group, led] of [...this.#led]) {
      if (this.coordinatorOf(group) !== this.#options.self) {
        led.end(new Error('Another broker coordinates the group now'))
      }
    }
  }

  close(): void {
    this.#isClosed = true
    for (const led of [...this.#led.values()]) led.end(new Error('The broker stops'))
  }

  // --- members -----------------------------------------------------------------------------------

  /** @param request whose bytes are retained */
  async join(group: string, request: JoinRequest, send: SendJoin): Promise<void> {
    const { memberId } = request
    try {
      this.#check(group)
      // A group that is not held here has no members.
      const led = memberId === '' ? await this.#lead(group) : this.#led.get(group)
      if (led === undefined) send(failedJoin('UNKNOWN_MEMBER_ID', memberId))
      else led.join(request, send)
    } catch (error) {
      send(failedJoin(codeOf(error), memberId))
    }
  }

  /** @param request whose bytes are retained */
  sync(group: string, request: SyncRequest, send: SendSync): void {
    const led = this.#member(group)
    if (typeof led === 'string') send(failedSync(led))
    else led.sync(request, send)
  }

  heartbeat(group: string, claim: GenerationClaim): MqErrorCode {
    const led = this.#member(group)
    return typeof led === 'string' ? led : led.heartbeat(claim)
  }

  /** @returns one error code per claim, or one for all of them */
  leave(group: string, claims: readonly MemberClaim[]): readonly MqErrorCode[] | MqErrorCode {
    const led = this.#member(group)
    if (led === 'UNKNOWN_MEMBER_ID') return claims.map(() => led)
    return typeof led === 'string' ? led : led.leave(claims)
  }

  // --- offsets -----------------------------------------------------------------------------------

  async commit(
    group: string,
    claim: GenerationClaim,
    partitions: readonly CommitPartition[],
  ): Promise<MqErrorCode> {
    try {
      this.#check(group)
      const led = claim.generation < 0 ? await this.#lead(group) : this.#led.get(group)
      if (led === undefined) return 'UNKNOWN_MEMBER_ID'
      const name = znodeNameOf(group)
      const writes = partitions.map((one): CommitWrite => {
        return {
          path: zkPaths.groupOffset(name, one.topic, one.partition),
          data: encodeCommit(one),
        }
      })
      return await led.commit(claim, writes)
    } catch (error) {
      return codeOf(error)
    }
  }

  /** @throws BrokerError NOT_COORDINATOR, INVALID_GROUP_ID; ZkError */
  async committed(group: string, topic: string, partition: number): Promise<StoredCommit> {
    const path = zkPaths.groupOffset(znodeNameOf(group), topic, partition)
    try {
      const { data } = await this.#zk(`read an offset of group '${group}'`).getData(path)
      return decodeCommit(data) ?? 'unreadable'
    } catch (error) {
      if (hasCode(error, 'NONODE')) return undefined
      throw error
    }
  }

  /**
   * Syncs the server of this broker's session. Must precede reads of offsets.
   *
   * @throws BrokerError NOT_COORDINATOR, INVALID_GROUP_ID; ZkError
   */
  async beginReading(group: string): Promise<void> {
    this.#check(group)
    await this.#zk(`read offsets of group '${group}'`).sync(zkPaths.consumers)
  }

  /**
   * Partitions with a committed offset, by topic.
   *
   * @throws BrokerError NOT_COORDINATOR, INVALID_GROUP_ID; ZkError
   */
  async committedPartitions(
    group: string,
  ): Promise<readonly { readonly topic: string; readonly partitions: readonly number[] }[]> {
    const zk = this.#zk(`read offsets of group '${group}'`)
    const root = zkPaths.groupOffsets(znodeNameOf(group))
    const topics = (await childrenOf(zk, root)) ?? []
    const found = topics.sort().map(async (topic) => {
      const names = (await childrenOf(zk, `${root}/${topic}`)) ?? []
      const numbers = names.flatMap((name) => (/^\d{1,9}$/.test(name) ? Number(name) : []))
      return { topic, partitions: numbers.sort((a, b) => a - b) }
    })
    return Promise.all(found)
  }

  // --- administration ----------------------------------------------------------------------------

  /** All groups that this broker coordinates. @throws BrokerError NOT_COORDINATOR, ZkError */
  async list(): Promise<readonly ListedGroup[]> {
    const zk = this.#zk('list groups')
    await zk.sync(zkPaths.consumers)
    const names = (await childrenOf(zk, zkPaths.consumers)) ?? []
    return names.sort().flatMap((name) => {
      const group = groupOf(name)
      if (group === undefined || this.coordinatorOf(group) !== this.#options.self) return []
      const { state = 'Empty', protocolType = '' } = this.#led.get(group)?.describe() ?? {}
      return { group, state, protocolType }
    })
  }

  /** A group that does not exist is Dead. @throws BrokerError NOT_COORDINATOR, ZkError */
  async describe(group: string): Promise<GroupDescription> {
    this.#check(group)
    const led = this.#led.get(group)
    if (led !== undefined) return led.describe()
    return { state: (await this.#exists(group)) ? 'Empty' : 'Dead', ...noMembers }
  }

  /** Deletes the group and its offsets. */
  async remove(group: string): Promise<MqErrorCode> {
    try {
      this.#check(group)
      if (this.#led.get(group)?.isEmpty === false) return 'NON_EMPTY_GROUP'
      if (!(await this.#exists(group))) return 'GROUP_ID_NOT_FOUND'
      return await (await this.#lead(group)).remove()
    } catch (error) {
      return codeOf(error)
    }
  }

  async #exists(group: string): Promise<boolean> {
    const zk = this.#zk(`look for group '${group}'`)
    await zk.sync(zkPaths.consumers)
    return (await zk.exists(zkPaths.group(znodeNameOf(group)))) !== undefined
  }

  // --- groups ------------------------------------------------------------------------------------

  /** @throws BrokerError NOT_COORDINATOR, INVALID_GROUP_ID */
  #check(group: string): void {
    znodeNameOf(group)
    const what = `coordinate group '${group}'`
    this.#zk(what)
    const coordinator = this.coordinatorOf(group)
    if (coordinator === this.#options.self) return
    throw notCoordinator(what, `broker ${coordinator ?? 'none'} does`)
  }

  /** @returns the group, or the error code if it is not held here */
  #member(group: string): LedGroup | MqErrorCode {
    try {
      this.#check(group)
    } catch (error) {
      return codeOf(error)
    }
    return this.#led.get(group) ?? 'UNKNOWN_MEMBER_ID'
  }

  /** @throws BrokerError, ZkError */
  async #lead(group: string): Promise<LedGroup> {
    const led = this.#led.get(group)
    if (led !== undefined) return led
    const claiming = this.#claiming.get(group)
    if (claiming !== undefined) return claiming
    const made = this.#claim(group).finally(() => this.#claiming.delete(group))
    this.#claiming.set(group, made)
    return made
  }

  async #claim(group: string): Promise<LedGroup> {
    const { self: broker, image, clock, log, rules } = this.#options
    this.#makeRoom()
    const brokerEpoch = image.brokers.get(broker)?.epoch ?? 0
    const what = `claim group '${group}'`
    const owner = { broker, brokerEpoch }
    const claim = await GroupClaim.take(this.#zk(what), znodeNameOf(group), owner)
    this.#check(group) // The group may have moved in the meantime.
    const led: LedGroup = new LedGroup({
      rules,
      claim,
      clock,
      zk: () => this.#zk('write for a group'),
      onOver: (reason) => {
        this.#led.delete(group)
        log.info({ group, reason: reason.message }, 'Gave up a consumer group')
      },
    })
    this.#led.set(group, led)
    log.info({ group, generation: claim.generation }, 'Coordinates a consumer group')
    return led
  }

  /** @throws BrokerError POLICY_VIOLATION */
  #makeRoom(): void {
    const heldCount = this.#led.size + this.#claiming.size
    if (heldCount < limits.groupsHeldMax) return
    for (const led of this.#led.values()) {
      if (!led.isIdle) continue
      led.end(new Error('The group is empty, and another group needs its slot'))
      return
    }
    const found = `this broker already coordinates ${heldCount}`
    throw new BrokerError('POLICY_VIOLATION', `Cannot coordinate another group: ${found}`)
  }

  /** @throws BrokerError NOT_COORDINATOR */
  #zk(what: string): ZkAccess {
    const zk = this.#isClosed ? undefined : this.#options.zk()
    if (zk === undefined) throw notCoordinator(what, 'this broker has no session with ZooWeeper')
    return zk
  }
}

/**
 * Maps failures of ZooWeeper to NOT_COORDINATOR: clients look up the coordinator again and retry.
 *
 * @throws the error itself if it is a bug
 */
export function codeOf(error: unknown): MqErrorCode {
  if (error instanceof BrokerError) return error.code
  if (error instanceof ZkError) return 'NOT_COORDINATOR'
  throw error
}
