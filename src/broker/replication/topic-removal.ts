// Removes this broker's replicas of deleted topics from its disk: cluster/deleted-topics.ts. Then it
// takes the broker out of the znode that asked for it. A crash in between repeats the removal.

import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import { ZkError } from '../../protocol/error-codes.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'
import type { ClusterImage } from '../cluster/cluster-image.ts'
import { type DeletedTopic, encodeDeletedTopic } from '../cluster/deleted-topics.ts'
import type { ZkAccess } from '../cluster/zk-access.ts'
import { zkPaths } from '../cluster/zk-paths.ts'
import { directoryName } from '../partition/partition-directory.ts'
import type { ReplicaManager } from './replica-manager.ts'

/** Delay after a removal failed. */
const retryMs = 1000

interface TopicRemovalOptions {
  readonly self: BrokerId
  readonly image: ClusterImage
  readonly replicas: Pick<ReplicaManager, 'remove'>
  readonly clock: Clock
  readonly log: Logger
  /** of the current session; undefined while none is open */
  readonly zk: () => ZkAccess | undefined
}

export class TopicRemoval {
  readonly #options: TopicRemovalOptions
  /** ids of topics whose removal is in progress */
  readonly #busy = new Set<string>()
  #cancelRetry: (() => void) | undefined
  #isClosed = false

  constructor(options: TopicRemovalOptions) {
    this.#options = options
  }

  /** The image changed: begins the removals that are due. */
  imageChanged(): void {
    const { image, self } = this.#options
    if (this.#isClosed) return
    for (const deleted of image.deleted.values()) {
      const { topicId, brokers } = deleted
      if (!brokers.includes(self) || this.#busy.has(topicId)) continue
      // The image may not have seen the topic leave yet, or it was restored by hand.
      if (image.topicOf(topicId) !== undefined) continue
      this.#busy.add(topicId)
      void this.#remove(deleted)
    }
  }

  close(): void {
    this.#isClosed = true
    this.#cancelRetry?.()
  }

  async #remove(deleted: DeletedTopic): Promise<void> {
    const { replicas, log, clock } = this.#options
    const { topic, topicId, partitionCount } = deleted
    try {
      const names = Array.from({ length: partitionCount }, (_, partition) =>
        directoryName({ topicId, partition }),
      )
      await replicas.remove(names)
      if (await this.#takeOut(deleted)) log.info({ topic, topicId }, 'Removed a deleted topic')
    } catch (error) {
      if (this.#isClosed) return
      const err = (error as Error).message
      log.warn({ topic, topicId, err }, 'Could not remove a deleted topic: trying again')
      this.#cancelRetry?.()
      this.#cancelRetry = clock.after(retryMs, () => this.imageChanged())
    } finally {
      this.#busy.delete(topicId)
    }
    // Another broker may have taken itself out meanwhile: then ours was refused.
    const now = this.#options.image.deleted.get(topicId)
    if (now !== undefined && now.version !== deleted.version) this.imageChanged()
  }

  /** @returns false: the znode has changed, and the image will show how */
  async #takeOut({ topic, topicId, partitionCount, brokers, version }: DeletedTopic) {
    const { self, zk: session } = this.#options
    const zk = session()
    if (zk === undefined) return false
    const path = zkPaths.deletedTopic(topicId)
    const left = brokers.filter((id) => id !== self)
    try {
      if (left.length === 0) await zk.delete(path, version)
      else {
        await zk.setData(
          path,
          encodeDeletedTopic({ topic, partitionCount, brokers: left }),
          version,
        )
      }
      return true
    } catch (error) {
      const code = error instanceof ZkError ? error.code : undefined
      if (code === 'BADVERSION' || code === 'NONODE') return false
      throw error
    }
  }
}
