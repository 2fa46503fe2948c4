// One host of a life of brokers: a disk that stays, and one process after the other on it.

import type { ServerDisk } from '../../../src/daemon/storage/disk.ts'
import { type Logger, silentLogger } from '../../../src/logger.ts'
import type { Random } from '../../../src/random.ts'
import type { ClientWorld } from '../../../src/world.ts'
import { SimDisk } from '../disk.ts'
import type { EventQueue } from '../event-queue.ts'
import type { Network } from '../network.ts'
import { SimProcess } from '../process.ts'
import { simWorld } from '../sim-world.ts'

/** The shared parts of the hosts of one life. */
export interface HostParts {
  readonly queue: EventQueue
  readonly network: Network
  readonly random: Random
  readonly trace: ((line: string) => void) | undefined
  readonly cover: (what: string) => void
  /** A failure that no fault explains. */
  readonly fail: (error: Error) => void
}

interface HostWorld extends ClientWorld {
  readonly logger: Logger
  readonly disk: ServerDisk
}

export class Host {
  readonly name: string
  readonly disk: SimDisk
  readonly parts: HostParts
  process: SimProcess | undefined
  /** number of processes so far */
  lifeCount = 0

  constructor(name: string, parts: HostParts) {
    this.name = name
    this.parts = parts
    this.disk = new SimDisk(parts.queue, parts.random)
    this.disk.delayMs = [0.05, parts.random.chance(0.2) ? 20 : 2]
  }

  /** For a new process. */
  makeWorld(): { readonly process: SimProcess; readonly world: HostWorld } {
    const { queue, network, random, trace } = this.parts
    const process = new SimProcess(
      queue,
      undefined,
      trace && ((act) => trace(`${this.name} - ${act}`)),
    )
    this.process = process
    this.lifeCount++
    network.hostIsBack(this.name)
    trace?.(`${this.name} starts`)
    const world = {
      ...simWorld({ network, process, random, host: this.name }),
      logger: this.#logger(),
      disk: this.disk.diskFor(process, () => undefined),
    }
    return { process, world }
  }

  /** Kills it; a power cut also loses what was not synced. */
  end({ power }: { readonly power: boolean }): void {
    const { process } = this
    if (process === undefined) return
    const { network, random, trace } = this.parts
    trace?.(`${this.name} ${power ? 'loses power' : 'is killed'}`)
    this.process = undefined
    process.end()
    network.processEnded(process, { silent: power && random.chance(0.5) })
    if (power) this.disk.powerCut()
    else this.disk.processEnded()
  }

  /** Ends its faults. */
  heal(): void {
    this.process?.resume()
    this.process?.drift(1)
    this.disk.heal()
  }

  #logger(): Logger {
    const { trace } = this.parts
    if (trace === undefined) return silentLogger
    const say = (fields: Record<string, unknown>, message: string): void =>
      trace(`${this.name} ${message} ${JSON.stringify(fields)}`)
    const logger: Logger = {
      ...silentLogger,
      child: () => logger,
      info: say,
      warn: say,
      error: say,
      debug: say,
    }
    return logger
  }
}
