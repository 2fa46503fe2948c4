// The commits of one consumer for its group. A commit names the version of its predecessor, so that
// a delayed commit changes nothing: see broker/group/group-offsets.ts.
//
// Commits of one partition run one at a time. If one is refused because another came between, the
// stored offset decides: an offset of ours whose outcome was unknown, or a lower one, is replaced;
// a higher one from another consumer of the group stays, since it covers the records before ours as
// well.

import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { onlyOne } from '../../protocol/mq/messages.ts'
import { type CommitVersion, noCommit } from '../../protocol/mq/offset-commit.ts'
import type { MembershipClaim } from './group/group-membership.ts'
import type { MqCluster } from './mq-cluster.ts'

interface GroupCommitsOptions {
  readonly cluster: Pick<MqCluster, 'call' | 'clock' | 'log'>
  readonly group: string
  readonly topic: string
  /** of a member; undefined: this consumer commits outside the group's generations */
  readonly claim?: () => MembershipClaim | undefined
}

const noMember: MembershipClaim = { generation: -1, memberId: '', instanceId: undefined }

/** A broker that does not answer within this time is abandoned for another. */
const tryMs = 3000
/** Offsets with unknown outcome that are distinguished from other consumers' offsets. */
const unsettledMax = 64

export class GroupCommits {
  readonly #options: GroupCommitsOptions
  /** by partition, the latest version read or written; missing where it must be read again */
  readonly #versions = new Map<number, CommitVersion>()
  /** by partition: our offsets that may have been, or may still be, committed */
  readonly #unsettled = new Map<number, Set<number>>()
  /** by partition: resolves when the commits so far are finished */
  readonly #whenOver = new Map<number, Promise<void>>()

  constructor(options: GroupCommitsOptions) {
    this.#options = options
  }

  get group(): string {
    return this.#options.group
  }

  /**
   * @returns undefined if the group committed nothing here
   * @throws BrokerError OFFSET_OUT_OF_RANGE if the stored value is not an offset, …
   */
  async read(partition: number, timeoutMs: number): Promise<number | undefined> {
    const { cluster, group, topic } = this.#options
    const partitions = [{ topic, partition }]
    const request = { type: 'offsetFetch', group, passedOn: false, partitions } as const
    const found = await cluster.call(request, timeoutMs, tryMs)
    const { offset, version } = onlyOne(found.partitions)
    this.#versions.set(partition, version)
    return offset
  }

  /** @throws BrokerError OFFSET_OUT_OF_RANGE for an offset beyond the end, … */
  commit(partition: number, offset: number, timeoutMs: number): Promise<void> {
    const before = this.#whenOver.get(partition) ?? Promise.resolve()
    const commit = before.then(() => this.#commit(partition, offset, timeoutMs))
    this.#whenOver.set(
      partition,
      commit.catch(() => undefined),
    )
    return commit
  }

  async #commit(partition: number, offset: number, timeoutMs: number): Promise<void> {
    const { cluster, group, topic } = this.#options
    const { clock, log } = cluster
    const deadlineMs = clock.nowMs() + timeoutMs
    const leftMs = () => Math.max(1, deadlineMs - clock.nowMs())
    for (let isConflict = false; ; isConflict = true) {
      const hasCommitted = this.#unsettled.has(partition)
      const found = await this.#latest(partition, isConflict, leftMs())
      if (hasCommitted && found !== undefined && !this.#isOurs(partition, found)) {
        if (found > offset) {
          const facts = { group, topic, partition, offset, found }
          log.info(facts, 'Another consumer of the group has committed further on')
        }
        // The next one must not follow it unseen: it may lie behind, too.
        if (found >= offset) {
          this.#versions.delete(partition)
          return
        }
      }
      if (await this.#maybeWrite(partition, offset, leftMs())) return
    }
  }

  /** The committed offset, read only if its version is unknown, or after a conflict. */
  async #latest(
    partition: number,
    isConflict: boolean,
    timeoutMs: number,
  ): Promise<number | undefined> {
    if (!isConflict && this.#versions.has(partition)) return undefined
    try {
      return await this.read(partition, timeoutMs)
    } catch (error) {
      if (!isCode(error, 'OFFSET_OUT_OF_RANGE')) throw error
      // no valid offset is stored: any commit may replace it
      this.#versions.set(partition, noCommit)
      return undefined
    }
  }

  /** @returns whether it is committed; if not, another commit came between */
  async #maybeWrite(partition: number, offset: number, timeoutMs: number): Promise<boolean> {
    const { cluster, group, topic } = this.#options
    const claim = this.#options.claim?.() ?? noMember
    const version = this.#versions.get(partition) ?? noCommit
    const unsettled = this.#unsettled.get(partition) ?? new Set()
    this.#unsettled.set(partition, unsettled)
    this.#versions.delete(partition)
    const partitions = [{ topic, partition, offset, version }]
    const request = (timeoutMs: number) =>
      ({
        type: 'offsetCommit',
        group,
        generation: claim.generation,
        memberId: claim.memberId,
        instanceId: claim.instanceId,
        timeoutMs,
        passedOn: false,
        partitions,
      }) as const
    if (unsettled.size >= unsettledMax) unsettled.clear()
    const wasUnsettled = unsettled.has(offset)
    unsettled.add(offset)
    try {
      const made = await cluster.call(request, timeoutMs, tryMs)
      this.#versions.set(partition, onlyOne(made.partitions).version)
      unsettled.clear() // commits still in flight follow an older version
      return true
    } catch (error) {
      if (isCode(error, 'INVALID_UPDATE_VERSION')) return false
      if (isCode(error, 'OFFSET_OUT_OF_RANGE')) {
        // A refusal: nothing was written, and what was known is still true.
        if (!wasUnsettled) unsettled.delete(offset)
        this.#versions.set(partition, version)
      }
      throw error
    }
  }

  #isOurs(partition: number, offset: number): boolean {
    return this.#unsettled.get(partition)?.has(offset) === true
  }
}

function isCode(error: unknown, code: BrokerError['code']): boolean {
  return error instanceof BrokerError && error.code === code
}
