// Removes what is left of this broker's replicas of partitions that were reassigned to others, then
// takes the broker out of the lists of leftovers in the topic's znode: cluster/topic-assignment.ts. A
// crash in between repeats the removal. Each list was written together with the state that no longer
// needs the replica, so nothing that counts is removed.

import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import { ZkError } from '../../protocol/error-codes.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'
import type { ClusterImage, TopicImage } from '../cluster/cluster-image.ts'
import { cleared, leftoversOf } from '../cluster/topic-assignment.ts'
import type { ZkAccess } from '../cluster/zk-access.ts'
import { encodeTopic, zkPaths } from '../cluster/zk-paths.ts'
import { directoryName } from '../partition/partition-directory.ts'
import type { ReplicaManager } from './replica-manager.ts'

/** Delay after a removal failed, or the topic's znode changed meanwhile. */
const retryMs = 200

interface LeftoverRemovalOptions {
  readonly self: BrokerId
  readonly image: ClusterImage
  readonly replicas: Pick<ReplicaManager, 'remove'>
  readonly clock: Clock
  readonly log: Logger
  /** of the current session; undefined while none is open */
  readonly zk: () => ZkAccess | undefined
}

export class LeftoverRemoval {
  readonly #options: LeftoverRemovalOptions
  /** ids of topics whose leftovers are being removed */
  readonly #busy = new Set<string>()
  #seenRevision = -1
  #cancelRetry: (() => void) | undefined
  #isClosed = false

  constructor(options: LeftoverRemovalOptions) {
    this.#options = options
  }

  /**
   * The image changed: begins the removals that are due. Called after the replicas were told, so
   * those that are no longer assigned to this broker are closed, or closing.
   */
  imageChanged(): void {
    const { image } = this.#options
    if (image.assignmentsRevision === this.#seenRevision) return
    this.#seenRevision = image.assignmentsRevision
    this.#begin()
  }

  close(): void {
    this.#isClosed = true
    this.#cancelRetry?.()
  }

  #begin(): void {
    if (this.#isClosed) return
    const { image, self } = this.#options
    for (const found of image.topics.values()) {
      const { topicId } = found.assignment
      const partitions = leftoversOf(found.assignment, self)
      if (partitions.length === 0 || this.#busy.has(topicId)) continue
      this.#busy.add(topicId)
      void this.#remove(found, partitions)
    }
  }

  async #remove(found: TopicImage, partitions: readonly number[]): Promise<void> {
    const { replicas, log, self } = this.#options
    const { topic, assignment, version } = found
    const { topicId } = assignment
    try {
      await replicas.remove(partitions.map((partition) => directoryName({ topicId, partition })))
      const text = encodeTopic(cleared(assignment, partitions, self))
      const zk = this.#options.zk()
      if (zk === undefined) throw new ZkError('SESSIONEXPIRED', undefined, 'There is no session')
      await zk.setData(zkPaths.topic(topic), text, version)
      log.info({ topic, partitions }, 'Removed replicas that were reassigned')
    } catch (error) {
      const err = (error as Error).message
      const isRefused = error instanceof ZkError
      log[isRefused ? 'debug' : 'warn']({ topic, partitions, err }, 'Could not remove replicas yet')
      this.#retryLater()
    } finally {
      this.#busy.delete(topicId)
    }
  }

  #retryLater(): void {
    this.#cancelRetry?.()
    if (this.#isClosed) return
    this.#cancelRetry = this.#options.clock.after(retryMs, () => this.#begin())
  }
}
