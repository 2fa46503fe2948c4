// A program's access to the outside world: everything that differs between a real process, a test
// and the simulator (test/sim). A program is the same composition over any of them:
// daemon/server.ts, broker/broker.ts. real-world.ts and real-disk.ts make the real one.

import type { Clock } from './clock.ts'
import type { LogDirectory } from './log/segment-file.ts'
import type { Logger } from './logger.ts'
import type { Transport } from './protocol/transport/transport.ts'
import type { Turn } from './turn.ts'

/** The part that a client library needs; several clients may share one. */
export interface ClientWorld {
  /** sends at the end of `turn` */
  readonly transport: Transport
  readonly turn: Turn
  readonly clock: Clock
  /** Unpredictable bytes: for passwords, ids, and the seeds of generators. */
  readonly randomBytes: (count: number) => Uint8Array
}

export interface World extends ClientWorld {
  readonly logger: Logger
  readonly disk: Disk
}

/** The data directory of one program. */
export interface Disk {
  /** its name in messages */
  readonly path: string
  /**
   * Takes it for this process, creating it if missing.
   *
   * @returns a function that releases it
   * @throws DataDirLockedError if a living process has it
   */
  lock(): () => void
  /** The directory itself, for small files: durable-file.ts. */
  openFiles(): LogDirectory
  /** A directory in it that holds the segments of a log, created if missing. */
  openLog(name: string): LogDirectory
  /**
   * Removes such a directory, if it exists, with all its files; it must not be open. Durable when it
   * resolves.
   */
  removeLog(name: string): Promise<void>
  /**
   * Holds file descriptors while logs are opened, so that opening one log too many is refused
   * before the program has no descriptors left for its connections and for the next segments of its
   * logs.
   */
  reserve(): DescriptorReserve
}

export interface DescriptorReserve {
  /** @throws EMFILE if there are not enough */
  hold(count: number): void
  release(): void
}
