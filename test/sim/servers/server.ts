// One server in the simulator: the whole program (src/daemon/server.ts) on a simulated disk,
// network and clock. The checker sees each delivery.

import { readConfig } from '../../../src/daemon/config.ts'
import type { EnsembleListener, EnsembleRole } from '../../../src/daemon/ensemble/ensemble.ts'
import { MetaError } from '../../../src/daemon/ensemble/meta.ts'
import { assembleServer, type ServerParts } from '../../../src/daemon/server.ts'
import { RecoveryError, type Storage } from '../../../src/daemon/storage/storage.ts'
import { DamagedTreeError } from '../../../src/daemon/storage/tree-store.ts'
import type { LogKept } from '../../../src/daemon/storage/txn-log.ts'
import type { ZabEffect } from '../../../src/daemon/zab/types.ts'
import { invariant } from '../../../src/invariant.ts'
import { LogDamagedError, LogVersionError } from '../../../src/log/log-errors.ts'
import type { Logger } from '../../../src/logger.ts'
import { silentLogger } from '../../../src/logger.ts'
import { peerVersions } from '../../../src/protocol/peer/hello.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import { epochOf, formatZxid, type Zxid, zxidZero } from '../../../src/protocol/zxid.ts'
import type { Random } from '../../../src/random.ts'
import type { MetaFields } from '../acts.ts'
import { DiskFault, SimDisk } from '../disk.ts'
import type { EventQueue } from '../event-queue.ts'
import type { Network } from '../network.ts'
import { type KillAt, Killed, SimProcess } from '../process.ts'
import { simWorld } from '../sim-world.ts'
import type { ServerChecker } from './checker.ts'
import { SimConfigFiles } from './config-files.ts'
import { clientPort, type Roles, serverLine } from './ensemble-judge.ts'

export const tickMs = 500

/** The newest version of the peer protocol of the release before. */
const older = peerVersions.oldest

/**
 * The last records on the disk vouch for what was durable this many syncs ago, wherever a bit
 * flips.
 */
const vouchingSyncs = 4

/** The shared parts of the servers of one world. */
export interface SimServerParts {
  readonly queue: EventQueue
  readonly network: Network
  readonly random: Random
  readonly checker: ServerChecker
  readonly servers: readonly SimServer[]
  /** of the servers that begin the ensemble */
  readonly roles: Roles
  /** clients may change the ensemble */
  readonly mayChange: boolean
  readonly segmentBytes: number
  readonly logKept: LogKept
  readonly handoverAt: number
  readonly hasSecret: boolean
  /** some processes are of the release before */
  readonly isUpgraded: boolean
  readonly trace: ((line: string) => void) | undefined
  readonly cover: (what: string) => void
  /** A failure that no fault explains. */
  readonly fail: (error: Error) => void
}

export class SimServer {
  readonly id: ServerId
  readonly disk: SimDisk
  readonly files = new SimConfigFiles()
  readonly #parts: SimServerParts
  /** from its start, also while it is not up yet */
  process: SimProcess | undefined
  #running: ServerParts | undefined
  #killAt: KillAt | undefined
  #isSpared = false
  /**
   * it has held all of an epoch's history since its disk was new, and so is counted in majorities
   */
  isCounted = false
  #goesOn = false
  /** a bit on its disk has flipped */
  #damaged = false
  /** its last state known to be on the disk */
  #saved: MetaFields | undefined
  /** the last durable ends of its log since it was opened, oldest first */
  #durables: Zxid[] = []
  /** the durable end of its log when it ended */
  #vouched: Zxid = zxidZero

  constructor(id: number, parts: SimServerParts) {
    this.id = id as ServerId
    this.#parts = parts
    this.disk = new SimDisk(parts.queue, parts.random)
  }

  get host(): string {
    return `s${this.id}`
  }

  /** By the last committed configuration. */
  get votes(): boolean {
    return this.#parts.checker.ensemble.roles.get(this.id) === 'participant'
  }

  /** Since it started, it has followed as a member, or led: it goes on when it is removed. */
  get goesOn(): boolean {
    return this.#goesOn
  }

  /** By the configurations in its own log. */
  get #mayLead(): boolean {
    const { last, before } = this.#running?.ensemble.configuration ?? {}
    return [last, before].some((one) => one?.voters.includes(this.id) === true)
  }

  get isUp(): boolean {
    return this.#running !== undefined
  }

  get role(): EnsembleRole {
    return this.#running?.ensemble.role ?? { type: 'looking' }
  }

  get running(): ServerParts | undefined {
    return this.#running
  }

  /** The durable end of its log, as last reported. */
  get logged(): Zxid {
    return this.#running?.storage.log.durableZxid ?? this.#vouched
  }

  start(): void {
    if (this.process !== undefined) return
    const { queue, random } = this.#parts
    const { cover, trace } = this.#parts
    const process = new SimProcess(
      queue,
      ({ before, after }) => {
        this.#killAt = undefined
        for (const act of before.split(' + ')) cover(`killed before ${act}`)
        for (const act of after.split(' + ')) cover(`killed after ${act}`)
        const power = random.chance(0.5)
        this.end({ power, point: `before ${before}` })
        if (!power && random.chance(0.5)) this.#comeBackInVain()
      },
      (act) => {
        if (act === 'purge saved') cover('purge')
        trace?.(`${this.host} - ${act}`)
      },
    )
    this.process = process
    if (this.#killAt !== undefined) process.killAt(this.#killAt)
    this.#parts.network.hostIsBack(this.host)
    trace?.(`${this.host} starts`)
    this.#boot(process).catch((error) => this.#failed(process, error))
  }

  /** Kills it there once, perhaps after other restarts. */
  killAt(point: KillAt): void {
    this.#killAt = point
    this.process?.killAt(point)
  }

  /** Ends its faults. */
  spare(): void {
    this.#isSpared = true
    this.#killAt = undefined
    this.process?.spare()
    this.process?.resume()
    this.process?.drift(1)
    this.disk.heal()
  }

  /** The next process finds what the system kept of a killed one, but not after a power cut. */
  #comeBackInVain(): void {
    const { queue, random } = this.#parts
    queue.after(10, () => this.start())
    queue.after(10 + random.next() * 200, () => {
      if (!this.#isSpared) this.end({ power: true })
    })
  }

  /** Kills it; a power cut also loses what was not synced. */
  end({
    power,
    point = 'by the nemesis',
  }: {
    readonly power: boolean
    readonly point?: string
  }): void {
    const { process } = this
    if (process === undefined) return
    const { network, random, trace, cover } = this.#parts
    trace?.(`${this.host} ${power ? 'loses power' : 'is killed'}, ${point}`)
    cover(power ? 'power cut' : 'kill')
    this.#vouched = this.logged
    this.process = undefined
    this.#running = undefined
    this.#goesOn = false
    process.end()
    network.processEnded(process, { silent: power && random.chance(0.5) })
    if (power) this.disk.powerCut()
    else this.disk.processEnded()
  }

  /**
   * Flips a bit on its disk while it is down. It must notice and refuse to start, or lose only what
   * no later record vouches for, as a torn tail.
   */
  damage(): void {
    this.end({ power: this.#parts.random.chance(0.5) })
    this.disk.heal()
    const where = this.disk.flipBit()
    if (where === undefined) return
    this.#parts.trace?.(`${this.host} has a bit turned in ${where}`)
    this.#parts.cover('bit flip')
    this.#damaged = true
    this.#vouched = zxidZero
  }

  wipe(): void {
    this.end({ power: true })
    this.#parts.trace?.(`${this.host} loses its disk`)
    this.#parts.cover('wipe')
    this.disk.wipe()
    this.#damaged = false
    this.isCounted = false
    this.#saved = undefined
    this.#durables = []
    this.#vouched = zxidZero
  }

  async #boot(process: SimProcess): Promise<void> {
    const { network, checker, random, cover } = this.#parts
    const disk = this.disk.diskFor(process, (saved) => {
      this.#saved = saved
    })
    const world = simWorld({ network, process, random, host: this.host, describe: describeSend })
    const isOlder = this.#parts.isUpgraded && random.chance(0.5)
    if (isOlder) cover('older release')
    const server = assembleServer({
      config: this.#config(),
      world: { ...world, disk, logger: this.#logger() },
      onFailure: (error) => this.#failed(process, error),
      handoverAt: this.#parts.handoverAt,
      ...(isOlder ? { peerVersions: { oldest: older, newest: older } } : {}),
      readSecret: () => Buffer.from('the secret of a life'),
      configStore: this.files.storeOf(process),
      witness: {
        // One that is killed while it opens its disk runs on to the end of that step.
        opened: (parts) => {
          if (this.process === process) this.#opened(parts)
        },
        logged: (zxid) => {
          this.#durables = [...this.#durables, zxid].slice(-vouchingSyncs)
        },
        performs: (effect) => this.#performs(effect),
        between: (processors) => this.#between(process, processors),
      },
    })
    await server.start()
    const { storage, ensemble, metrics } = this.#running ?? {}
    let expired = 0
    // The server's own tick was just before: its expiries have not been sent yet.
    process.every(tickMs, () => {
      if (metrics !== undefined && metrics.sessionsExpired > expired) {
        expired = metrics.sessionsExpired
        cover('expiry')
        process.act('expired')
      }
      if (storage !== undefined) checker.checkTree(storage.tree)
      if (ensemble !== undefined && storage !== undefined) this.#checkEnsemble(ensemble, storage)
      if (ensemble?.role.type === 'leading') process.act('expire')
    })
  }

  #checkEnsemble({ configuration, role }: ServerParts['ensemble'], { tree }: Storage): void {
    const { checker, mayChange } = this.#parts
    if (!mayChange) return
    checker.ensemble.saw(configuration)
    if (role.type !== 'leading') return
    const mayLead = checker.ensemble.mayLead(this.id, tree.lastApplied)
    invariant(mayLead, 'a leader that was removed steps down')
  }

  #config() {
    const { roles, mayChange, segmentBytes, logKept, hasSecret } = this.#parts
    const known = new Map(roles)
    // A server that no other file lists joins as an observer.
    if (!known.has(this.id)) known.set(this.id, 'observer')
    const read = readConfig(
      [
        '--data-dir=/data',
        `--myid=${this.id}`,
        `--client-port=${clientPort}`,
        `--client-port-address=${this.host}`,
        ...[...known].map(([id, role]) => `--${serverLine(id, role)}`),
        ...(mayChange ? ['--reconfig-enabled', '--skip-acl'] : []),
        `--tick-time=${tickMs}`,
        '--init-limit=10',
        '--sync-limit=4',
        '--max-client-cnxns=1000',
        ...(hasSecret ? ['--peer-secret-file=/secret'] : []),
      ],
      {},
    )
    invariant(read.type === 'config', 'these flags are a configuration')
    // Smaller than can be configured, so that a short life sees many segments.
    const configFiles = mayChange ? this.files.files : undefined
    return { ...read.config, logSegmentBytes: segmentBytes, logKept, configFiles }
  }

  /** Its disk has been read. */
  #opened(parts: ServerParts): void {
    const { log, torn } = parts.storage
    this.#checkMeta(this.disk.meta)
    if (torn !== null) this.#parts.cover('torn tail cut')
    if (this.#damaged) {
      const vouchedFor = this.#durables.at(-vouchingSyncs) ?? zxidZero
      invariant(log.lastZxid >= vouchedFor, 'what is vouched for is never cut')
    }
    this.#damaged = false
    this.#durables = []
    invariant(log.lastZxid >= this.#vouched, 'what a log called durable survives')
    this.#running = parts
  }

  #performs(effect: ZabEffect): void {
    const { cover, fail } = this.#parts
    if (effect.type === 'sendHistory') cover('DIFF')
    if (effect.type === 'receiveSnapshot') cover('SNAP')
    if (effect.type === 'truncate') cover('TRUNC')
    if (effect.type === 'disconnect' && effect.violation) {
      fail(new Error(`${this.host} ${effect.reason}`))
    }
  }

  #between(process: SimProcess, processors: EnsembleListener): EnsembleListener {
    const { checker, queue, servers } = this.#parts
    const storage = this.#running?.storage
    invariant(storage !== undefined, 'a server is opened before it delivers')
    const { tree } = storage
    return {
      deliver: (zxid, payload) => {
        checker.delivering(zxid, payload, { tree, atMs: queue.nowMs })
        process.act('apply')
        processors.deliver(zxid, payload)
        checker.delivered(zxid, tree, (id) => servers[id - 1]?.logged ?? zxidZero)
      },
      roleChanged: (role) => {
        if (role.type !== 'looking') {
          this.isCounted = true
          if (checker.ensemble.roles.has(this.id)) this.#goesOn = true
        }
        if (role.type === 'leading') this.#leads(role.epoch, storage)
        process.act({ looking: 'look', following: 'follow', leading: 'lead' }[role.type])
        processors.roleChanged(role)
      },
      fromLearner: (learner, message) => processors.fromLearner(learner, message),
      fromLeader: (message) => processors.fromLeader(message),
      activate: () => processors.activate(),
      resumed: () => processors.resumed(),
    }
  }

  #checkMeta(meta: MetaFields): void {
    const { acceptedEpoch = 0, currentEpoch = 0 } = meta
    const saved = this.#saved
    this.#saved = meta
    invariant(acceptedEpoch >= (saved?.acceptedEpoch ?? 0), 'what was promised is never forgotten')
    invariant(currentEpoch >= (saved?.currentEpoch ?? 0), 'a current epoch is never forgotten')
  }

  #leads(epoch: number, { tree, log }: Storage): void {
    const { checker, cover, mayChange } = this.#parts
    cover('election')
    invariant(this.#mayLead, 'an observer never leads')
    const { ensemble } = this.#running ?? {}
    if (mayChange && ensemble !== undefined) checker.ensemble.established(ensemble.configuration)
    checker.established(this.id, epoch, { tree, atMs: this.#parts.queue.nowMs })
    invariant(epochOf(log.lastZxid) < epoch, 'an epoch begins without transactions of its own')
  }

  /** A server that gives up is a bug, unless its disk failed it. */
  #failed(process: SimProcess, error: unknown): void {
    if (!process.alive || error instanceof Killed) return
    if (this.#damaged && isRefusal(error)) {
      this.#parts.cover(`damage met: ${error.name}`)
      return this.wipe()
    }
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
      if (cause instanceof DiskFault) {
        this.#parts.cover('disk fault')
        return this.end({ power: false, point: 'its disk failed' })
      }
    }
    this.#parts.fail(error as Error)
  }

  #logger(): Logger {
    const { trace } = this.#parts
    if (trace === undefined) return silentLogger
    const say = (fields: Record<string, unknown>, message: string): void =>
      trace(`${this.host} ${message} ${JSON.stringify(fields)}`)
    const logger: Logger = {
      ...silentLogger,
      child: () => logger,
      info: say,
      warn: say,
      error: say,
    }
    return logger
  }

  describe(): string {
    const { tree } = this.#running?.storage ?? {}
    return `${this.host} ${this.role.type} ${formatZxid(tree?.lastApplied ?? zxidZero)}`
  }
}

/** The errors by which a server refuses its disk. */
function isRefusal(error: unknown): error is Error {
  return [DamagedTreeError, LogDamagedError, LogVersionError, MetaError, RecoveryError].some(
    (kind) => error instanceof kind,
  )
}

const kindNames: Readonly<Record<number, string>> = {
  1: 'NOTIFICATION',
  2: 'CEPOCH',
  3: 'NEWEPOCH',
  4: 'ACKEPOCH',
  5: 'DIFF',
  6: 'TRUNC',
  7: 'PROPOSAL',
  8: 'NEWLEADER',
  9: 'ACKNEWLEADER',
  10: 'UPTODATE',
  11: 'ACK',
  12: 'COMMIT',
  13: 'PING',
  14: 'PONG',
  15: 'SNAP',
  16: 'ACKSNAP',
  17: 'MEMBER',
  18: 'REFUSED',
  19: 'PROBE',
  20: 'REQUEST',
  21: 'ATTACH',
  22: 'SYNC',
  23: 'TOUCH',
  24: 'PROBED',
  25: 'INFORM',
  26: 'OWNED',
  28: 'CONFIGURATION',
  30: 'ATTACHED',
  31: 'SYNCED',
  32: 'MOVED',
  33: 'DIGEST',
  34: 'RETRY',
  40: 'SNAPCHUNK',
  41: 'SNAPEND',
  42: 'SNAPTAKEN',
  50: 'HOLD',
  51: 'HELD',
  52: 'RESUME',
  53: 'SUCCESSOR',
}

/** The name of a frame between servers, by the types of its messages. */
function describeSend(bytes: Buffer, to: string): string {
  if (!to.startsWith('s')) return 'send to a client'
  const kinds = new Set<string>()
  for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32BE(at)) {
    const isHello = bytes[at + 6] === 0xa4 // version, then the word 'peer'
    kinds.add(isHello ? 'hello' : (kindNames[bytes[at + 5] ?? 0] ?? '?'))
  }
  return [...kinds].map((kind) => `send ${kind}`).join(' + ')
}
