// One broker at a time is the controller. It creates the ephemeral /controller and raises
// /controller_epoch in one multi, then writes what controller.ts decides. Each write is a multi
// that also checks the version of /controller_epoch, so a deposed controller cannot write. Every
// broker watches /controller and runs for election when it is gone.
//
// Each write is conditional on the partition's version. When one fails, or its outcome is unknown,
// the driver reads the znode and decides again. The writes of a step share multis, all of which are
// in flight at once: a broker that leads thousands of partitions is replaced in a few round trips.

import { ZkMultiError } from '../../client/zk/errors.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import { ZkError } from '../../protocol/error-codes.ts'
import { type BrokerId, noBroker } from '../../protocol/mq/messages.ts'
import type { MultiOp } from '../../protocol/zk/messages.ts'
import type { ClusterImage } from '../cluster/cluster-image.ts'
import type { ClusterWatch } from '../cluster/cluster-watch.ts'
import type { ImageChanges } from '../cluster/image-changes.ts'
import type { ZkAccess } from '../cluster/zk-access.ts'
import {
  decodeNumber,
  encodeController,
  encodeState,
  encodeTopic,
  zkPaths,
} from '../cluster/zk-paths.ts'
import { Controller, newState, type StateWrite, type Undecided } from './controller.ts'
import type { TopicWrite } from './reassignment.ts'

/** Delay after an election or a write failed for a reason that another read would not show. */
const retryMs = 100
/** States that share a multi: some 50 KB, and as many are written alone if one of them has changed. */
const statesPerMulti = 100

interface ControllerDriverOptions {
  readonly self: BrokerId
  readonly zk: ZkAccess
  readonly image: ClusterImage
  readonly watch: ClusterWatch
  readonly clock: Clock
  readonly log: Logger
  readonly recoveryWaitMs: number
  readonly rebalanceMs?: number | undefined
}

interface Office {
  readonly controller: Controller
  /** what it has not seen yet */
  readonly changes: ImageChanges
  /** version of /controller_epoch */
  readonly epochVersion: number
}

/** For one session. */
export class ControllerDriver {
  readonly #options: ControllerDriverOptions
  /** set while this broker is the controller */
  #office: Office | undefined
  #isBusy = false
  #isAskedAgain = false
  #isStopped = false
  #cancelRetry: (() => void) | undefined
  #cancelDeadline: (() => void) | undefined
  /** by partition: version of the leaderless state that was logged last */
  readonly #told = new Map<string, number>()

  constructor(options: ControllerDriverOptions) {
    this.#options = options
  }

  get isController(): boolean {
    return this.#office !== undefined
  }

  stop(): void {
    this.#isStopped = true
    this.#leaveOffice()
    this.#cancelRetry?.()
    this.#cancelDeadline?.()
  }

  /**
   * The image changed: runs for controller if there is none, then makes the writes that are due.
   */
  imageChanged(): void {
    if (this.#isStopped) return
    this.#isAskedAgain = true
    if (!this.#isBusy) void this.#run()
  }

  async #run(): Promise<void> {
    this.#isBusy = true
    try {
      while (this.#isAskedAgain && !this.#isStopped) {
        this.#isAskedAgain = false
        await this.#maybeTakeOffice()
        await this.#write()
      }
    } catch (error) {
      if (this.#isStopped) return
      const { log, clock } = this.#options
      log.warn({ err: (error as Error).message }, 'Could not complete a round as the controller')
      this.#cancelRetry?.()
      this.#cancelRetry = clock.after(retryMs, () => this.imageChanged())
    } finally {
      this.#isBusy = false
    }
  }

  // --- election ----------------------------------------------------------------------------------

  async #maybeTakeOffice(): Promise<void> {
    const { image, watch, log } = this.#options
    const { controller } = image
    if (this.#office !== undefined && !watch.isController) {
      log.info({ controller }, 'No longer the controller')
      this.#leaveOffice()
    }
    if (this.#office !== undefined || (controller !== noBroker && !watch.isController)) return
    const epoch = controller === noBroker ? await this.#elect() : undefined
    // Only /controller shows whether that multi succeeded: its answer may have been lost.
    await watch.readAll()
    if (!watch.isController) return
    const { data, stat } = await this.#options.zk.getData(zkPaths.controllerEpoch)
    if (this.#isStopped) return
    const inOffice = decodeNumber(data) ?? epoch ?? 0
    const { recoveryWaitMs, rebalanceMs } = this.#options
    const office = new Controller({ epoch: inOffice, recoveryWaitMs, rebalanceMs })
    const changes = image.follow()
    this.#office = { controller: office, changes, epochVersion: stat.version }
    log.info({ controllerEpoch: inOffice }, 'Became the controller')
  }

  #leaveOffice(): void {
    if (this.#office !== undefined) this.#options.image.unfollow(this.#office.changes)
    this.#office = undefined
  }

  /** @returns our epoch if we have certainly won */
  async #elect(): Promise<number | undefined> {
    const { zk, self, clock } = this.#options
    const { data, stat } = await zk.getData(zkPaths.controllerEpoch)
    const epoch = (decodeNumber(data) ?? 0) + 1
    const candidate = Buffer.from(encodeController(self, clock.wallMs()))
    try {
      await zk.multi([
        { type: 'create', path: zkPaths.controller, data: candidate, mode: 'ephemeral' },
        {
          type: 'setData',
          path: zkPaths.controllerEpoch,
          data: Buffer.from(String(epoch)),
          version: stat.version,
        },
      ])
      return epoch
    } catch (error) {
      if (isRefusal(error)) return undefined // another broker was faster
      throw error
    }
  }

  // --- writes ------------------------------------------------------------------------------------

  async #write(): Promise<void> {
    const office = this.#office
    if (office === undefined) return
    const { image, clock } = this.#options
    const nowMs = clock.nowMs()
    const { controller, changes, epochVersion } = office
    const step = controller.step(image, nowMs, changes.take())
    const { writes, topicWrites, askAgainAtMs, undecided } = step
    for (const each of undecided) this.#tell(each)
    this.#cancelDeadline?.()
    this.#cancelDeadline =
      askAgainAtMs === undefined
        ? undefined
        : clock.after(Math.max(0, askAgainAtMs - nowMs), () => this.imageChanged())
    const multis = topicWrites.map((write) => this.#writeTopic(write, epochVersion))
    for (let at = 0; at < writes.length; at += statesPerMulti) {
      multis.push(this.#writeStates(writes.slice(at, at + statesPerMulti), epochVersion))
    }
    const ended = await Promise.allSettled(multis)
    for (const each of ended) if (each.status === 'rejected') throw each.reason
  }

  /** Logs each version of a leaderless state once. */
  #tell({ topic, partition, version }: Undecided): void {
    const name = `${topic}/${partition}`
    if (this.#told.get(name) === version) return
    this.#told.set(name, version)
    const text = 'None of the reported logs may lead a partition: zw topics recover shows why'
    this.#options.log.warn({ topic, partition, version }, text)
  }

  async #writeStates(writes: readonly StateWrite[], epochVersion: number): Promise<void> {
    const { zk, image, watch, log } = this.#options
    try {
      await zk.multi([
        { type: 'check', path: zkPaths.controllerEpoch, version: epochVersion },
        ...writes.map(opOf),
      ])
      for (const { topic, partition, state } of writes) {
        image.setState(topic, partition, { ...state, version: state.version + 1 })
        log.info({ topic, partition, state }, 'Wrote a partition state')
      }
      // What the event would have read comes only behind the writes that are still in flight.
      watch.wrote()
    } catch (error) {
      const isRefused = error instanceof ZkMultiError
      if (await this.#wasDeposed(error)) return
      // A leader has changed its ISR meanwhile: its partition must not hold up the others.
      if (isRefused && writes.length > 1) {
        const ended = await Promise.allSettled(
          writes.map((write) => this.#writeStates([write], epochVersion)),
        )
        for (const each of ended) if (each.status === 'rejected') throw each.reason
        return
      }
      await Promise.all(writes.map(({ topic, partition }) => watch.readState(topic, partition)))
    }
    this.#isAskedAgain = true
  }

  /**
   * Ends reassignments. A broker is out of the ISR and out of the replicas at once: only then does it
   * remove its directory.
   */
  async #writeTopic(write: TopicWrite, epochVersion: number): Promise<void> {
    const { zk, image, watch, log } = this.#options
    const { topic, version, assignment, states } = write
    try {
      await zk.multi([
        { type: 'check', path: zkPaths.controllerEpoch, version: epochVersion },
        {
          type: 'setData',
          path: zkPaths.topic(topic),
          data: Buffer.from(encodeTopic(assignment)),
          version,
        },
        ...states.map(({ partition, state }) => opOf({ topic, partition, state })),
      ])
      image.setTopic(topic, assignment, version + 1)
      for (const { partition, state } of states) {
        image.setState(topic, partition, { ...state, version: state.version + 1 })
        const replicas = assignment.replicas[partition]
        log.info({ topic, partition, replicas, state }, 'Reassigned a partition')
      }
    } catch (error) {
      if (await this.#wasDeposed(error)) return
      await watch.readTopic(topic)
    }
    this.#isAskedAgain = true
  }

  /** @throws the error, if the driver cannot go on from another read */
  async #wasDeposed(error: unknown): Promise<boolean> {
    if (!(error instanceof ZkError) || error.code === 'SESSIONEXPIRED') throw error
    if (!(error instanceof ZkMultiError) || error.index !== 0) return false
    if (this.#office === undefined) return true // another of its writes has shown it
    this.#options.log.warn({}, 'Deposed: another controller has taken over')
    this.#leaveOffice()
    await this.#options.watch.readAll()
    return true
  }
}

function opOf({ topic, partition, state }: StateWrite): MultiOp {
  const path = zkPaths.state(topic, partition)
  const data = Buffer.from(encodeState(state))
  const { version } = state
  return version === newState
    ? { type: 'create', path, data, mode: 'persistent' }
    : { type: 'setData', path, data, version }
}

/** The multi's condition did not hold: nothing was written. */
function isRefusal(error: unknown): boolean {
  return error instanceof ZkError && (error.code === 'NODEEXISTS' || error.code === 'BADVERSION')
}
