// The replicas that the cluster image assigns to this broker: each is opened, and closed when it is
// assigned elsewhere, until leftover-removal.ts or topic-removal.ts have its directory removed. One that
// cannot be opened is unavailable, with a reason, and the others still serve.
//
// Each opening takes several fsyncs, and a broker may have 10 000 replicas: they are opened a few at a
// time, between which the event loop goes on.
//
// replica-manager.ts owns it, and makes each a leader or follower. Next on the path: open-replica.ts.

import type { Clock } from '../../clock.ts'
import { invariant } from '../../invariant.ts'
import type { Logger } from '../../logger.ts'
import type { PartitionPlace } from '../cluster/image-changes.ts'
import { directoryName, type PartitionName } from '../partition/partition-directory.ts'
import { type Assigned, type OpeningParts, openReplica } from './open-replica.ts'
import type { Replica, ReplicaHost } from './replica.ts'
import { UnavailableReplicas } from './unavailable-replicas.ts'

/** File descriptors reserved for connections, besides those that logs will need (`#toCome`). */
const descriptorReserve = 64
/** So many logs with records share a reserved descriptor: they do not all begin a segment at once. */
const logsPerDescriptor = 10
/** How long the event loop may be held while new replicas are opened, each with several fsyncs. */
const openingMsMax = 200

interface AssignedReplicasOptions {
  readonly parts: OpeningParts
  readonly host: ReplicaHost
  readonly clock: Clock
  readonly logger: Logger
  readonly onOpened: (replica: Replica) => void
  /** The replica is being closed. */
  readonly onClosed: (replica: Replica) => void
  /** A directory is gone in which a replica waits to be opened. */
  readonly onFreed: () => void
  readonly onFailure: (error: Error) => void
}

export class AssignedReplicas {
  readonly #options: AssignedReplicasOptions
  readonly #clock: Clock
  /** by directory name */
  readonly #replicas = new Map<string, Replica>()
  /** the same by topic and partition, for requests */
  readonly #byName = new Map<string, Replica>()
  /** by directory name; a replica that could not be opened is here and not in `all` */
  readonly unavailable = new UnavailableReplicas()
  /** by directory name: replicas that are assigned to this broker and not open yet */
  readonly #toOpen = new Map<string, Assigned>()
  /** by directory name: replicas that are being closed */
  readonly #closing = new Map<string, Promise<void>>()
  /** names of directories that are being removed; a new replica in one of them is opened afterwards */
  readonly #removing = new Set<string>()
  #isOpeningHeld = false
  #isClosed = false

  constructor(options: AssignedReplicasOptions) {
    this.#options = options
    this.#clock = options.clock
  }

  /** Those that are open, by directory name. */
  get all(): ReadonlyMap<string, Replica> {
    return this.#replicas
  }

  get(topic: string, partition: number): Replica | undefined {
    return this.#byName.get(`${topic}/${partition}`)
  }

  /** Whether some are still to be opened. */
  get isOpening(): boolean {
    return this.#toOpen.size > 0 && !this.#isClosed
  }

  /** Whether some may be opened now. */
  isDue(nowMs: number): boolean {
    return this.#toOpen.size > 0 || this.unavailable.isDue(nowMs)
  }

  /** Drops what is not assigned to this broker, and notes what is and is not open. */
  dropUnassigned(): void {
    const wanted = this.#assigned()
    for (const [key, replica] of this.#replicas) {
      const assigned = wanted.get(key)
      if (assigned === undefined) this.#drop(key, replica)
      else replica.setAssignment(assigned)
    }
    for (const key of [...this.unavailable.all.keys()]) {
      if (!wanted.has(key)) this.unavailable.remove(key)
    }
    this.#toOpen.clear()
    for (const [key, assigned] of wanted) {
      if (!this.#replicas.has(key)) this.#toOpen.set(key, assigned)
    }
  }

  /** The same for one partition. */
  dropIfUnassigned({ topic, partition }: PartitionPlace): void {
    const assigned = this.#assignedAt(topic, partition)
    const key = assigned === undefined ? undefined : directoryName(assigned)
    const replica = this.get(topic, partition)
    if (replica !== undefined) {
      const name = directoryName(replica)
      if (name === key && assigned !== undefined) {
        replica.setAssignment(assigned)
        return
      }
      this.#drop(name, replica)
    }
    if (key !== undefined && assigned !== undefined) this.#toOpen.set(key, assigned)
  }

  /** Replicas that could not be opened: some are due for another try, some have gone. */
  reviewUnavailable(): void {
    for (const [key, { topic, topicId, partition }] of [...this.unavailable.all]) {
      const assigned = this.#assignedAt(topic, partition)
      if (assigned?.topicId !== topicId) this.unavailable.remove(key)
      else if (!this.#replicas.has(key)) this.#toOpen.set(key, assigned)
    }
  }

  /** Replicas that the image assigns to this broker, by directory name. */
  #assigned(): Map<string, Assigned> {
    const assigned = new Map<string, Assigned>()
    for (const { topic, assignment } of this.#options.parts.image.topics.values()) {
      for (const partition of assignment.replicas.keys()) {
        const found = this.#assignedAt(topic, partition)
        if (found !== undefined) assigned.set(directoryName(found), found)
      }
    }
    return assigned
  }

  #assignedAt(topic: string, partition: number): Assigned | undefined {
    const { image, self } = this.#options.parts
    const { assignment, version } = image.topics.get(topic) ?? {}
    const replicas = assignment?.replicas[partition]
    if (assignment === undefined || version === undefined) return undefined
    if (replicas?.includes(self) !== true) return undefined
    return { topic, topicId: assignment.topicId, partition, replicas, version }
  }

  /**
   * Opens what is to be opened, and may be by now; the next call goes on with what takes too long.
   *
   * @returns the replicas that were opened
   */
  openSome(): readonly Replica[] {
    const { parts, host, logger, onOpened } = this.#options
    const deadlineMs = this.#clock.nowMs() + openingMsMax
    const opened: Replica[] = []
    const reserve = parts.disk.reserve()
    let toHold = descriptorReserve + this.#toCome()
    for (const [key, { topic, partition }] of this.#toOpen) {
      if (this.#isClosed) break
      if (opened.length > 0 && this.#clock.nowMs() >= deadlineMs) break
      this.#toOpen.delete(key)
      const assigned = this.#assignedAt(topic, partition)
      if (assigned === undefined || directoryName(assigned) !== key) continue
      if (this.#removing.has(key)) {
        this.#isOpeningHeld = true
        continue
      }
      if (!this.unavailable.mayOpen(key, this.#clock.nowMs())) continue
      try {
        // Its log may need one more at once.
        reserve.hold(toHold + 1)
        toHold = 0
        const replica = openReplica(assigned, parts, host)
        opened.push(replica)
        this.#replicas.set(key, replica)
        this.#byName.set(`${topic}/${partition}`, replica)
        onOpened(replica)
        if (this.unavailable.remove(key)) {
          logger.info({ topic, partition }, 'A partition is available again here')
        }
      } catch (error) {
        this.#failedToOpen(key, assigned, error as Error)
      }
    }
    reserve.release()
    return opened
  }

  /** Descriptors that open logs will need: an empty one has no file yet. */
  #toCome(): number {
    let emptyCount = 0
    for (const { logBytes } of this.#replicas.values()) if (logBytes === 0) emptyCount++
    return emptyCount + Math.ceil((this.#replicas.size - emptyCount) / logsPerDescriptor)
  }

  #failedToOpen(key: string, assigned: PartitionName, err: Error): void {
    if (!this.unavailable.failed(key, assigned, err, this.#clock.nowMs())) return
    const { topic, partition } = assigned
    this.#options.logger.error({ topic, partition, err }, 'A partition is unavailable here')
  }

  /**
   * Its files stay, in a directory whose topic id no other topic will have, until `remove`.
   */
  #drop(name: string, replica: Replica): void {
    const { topic, partition } = replica
    this.#options.logger.info(
      { topic, partition, directory: name },
      'Partition is no longer assigned to this broker',
    )
    this.#close(name, replica)
  }

  #close(name: string, replica: Replica): void {
    const { topic, partition } = replica
    this.#replicas.delete(name)
    this.#options.onClosed(replica)
    if (this.get(topic, partition) === replica) this.#byName.delete(`${topic}/${partition}`)
    const closing = replica
      .close()
      .catch((error: Error) => this.#options.onFailure(error))
      .finally(() => this.#closing.delete(name))
    this.#closing.set(name, closing)
  }

  /**
   * Removes the directories of replicas that are no longer assigned to this broker, with their
   * checkpoints.
   *
   * @param names of directories; those that do not exist are passed over
   * @throws what the file system throws
   */
  async remove(names: readonly string[]): Promise<void> {
    const { disk, checkpoint } = this.#options.parts
    for (const name of names) this.#removing.add(name)
    try {
      for (const name of names) {
        await this.#closing.get(name)
        invariant(!this.#replicas.has(name), 'a replica that is removed is not open')
        await disk.removeLog(name)
      }
      await checkpoint.forget(names)
    } finally {
      for (const name of names) this.#removing.delete(name)
      if (this.#isOpeningHeld) {
        this.#isOpeningHeld = false
        this.#options.onFreed()
      }
    }
  }

  /** As if an open replica could not have been opened, for this reason. */
  takeOut(replica: Replica, error: Error): void {
    const key = directoryName(replica)
    const { topic, topicId, partition } = replica
    this.#failedToOpen(key, { topic, topicId, partition }, error)
    this.#close(key, replica)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#replicas.values()].map((replica) => replica.close()))
  }
}
