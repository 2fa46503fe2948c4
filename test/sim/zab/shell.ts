// The shell around the cores: starts and crashes processes, gives each core its inputs, and
// performs its effects on the world's disks and network. A process may crash between any two
// effects.

import type { ZabEffect, ZabInput } from '../../../src/daemon/zab/types.ts'
import { invariant } from '../../../src/invariant.ts'
import type { ZabMessage } from '../../../src/protocol/peer/messages.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import { zxidZero } from '../../../src/protocol/zxid.ts'
import { within } from '../range.ts'
import { activation } from './configurations.ts'
import type { CrashPoint } from './crash-points.ts'
import { describeMessage, describeRole, describeZxid } from './describe.ts'
import { DiskQueue } from './disk.ts'
import { batchesOf, recordsOf } from './records.ts'
import { ZabRules } from './rules.ts'
import { Incarnation, timing, type ZabServer } from './server.ts'
import { Trees } from './trees.ts'
import type { ZabWorld } from './world.ts'

export class ZabShell {
  readonly #world: ZabWorld
  readonly #rules: ZabRules
  readonly #trees: Trees
  #crashPoint: CrashPoint | undefined

  constructor(world: ZabWorld) {
    const { checker, options, servers } = world
    this.#world = world
    this.#rules = new ZabRules({
      ...{ world, checker, servers, epochCounterMax: options.epochCounterMax },
    })
    this.#trees = new Trees(world, this)
  }

  // --- processes ---------------------------------------------------------------------------------

  start(server: ZabServer): void {
    const { servers, voters, network, options } = this.#world
    const { id, disk } = server
    if (server.running !== undefined) return
    const { acceptedEpoch, currentEpoch } = disk.epochs
    this.#world.trace(
      `${id} starts: accepted ${acceptedEpoch}, current ${currentEpoch}, log ${describeZxid(disk.last)}`,
    )
    disk.stall('log', 0)
    disk.stall('epochs', 0)
    const zab = server.makeCore({ ...options, voters: voters.map((other) => other.id) })
    const diskQueue = (process: Incarnation): DiskQueue => this.#diskQueueOf(process)
    const process = new Incarnation(server, { zab, diskQueue })
    server.running = process
    this.#perform(process, zab.start())
    this.#tickLater(process)
    for (const other of servers) if (other !== server) network.dial(id, other.id)
  }

  /** kill -9 and power loss at once: what was not synced is gone. */
  crash(server: ZabServer): void {
    const { random, network } = this.#world
    const { disk, running: process } = server
    if (process === undefined) return
    this.#world.trace(`${server.id} crashes`)
    process.diskQueue.tear()
    this.#trees.tear(process)
    server.running = undefined
    server.standstill.reset()
    // Write-behind reached some point of what was delivered.
    const reached = disk.log.filter(
      (record) => record.zxid > disk.applied && record.zxid <= process.delivered,
    )
    const kept = reached[random.below(reached.length + 1)]
    if (kept !== undefined) disk.apply(kept.zxid)
    network.processEnded(server)
  }

  /** The next process that reaches the point crashes; none does without a point. */
  crashAt(point: CrashPoint | undefined): void {
    this.#crashPoint = point
  }

  /** @returns whether the process is gone */
  crashesHere(process: Incarnation, point: CrashPoint | 'before fatal'): boolean {
    if (!process.isAlive) return true
    const isThere = point === this.#crashPoint
    if (--process.effectsUntilCrash >= 0 && !isThere) return false
    if (isThere) this.#crashPoint = undefined
    this.#world.coverage.cover(`crash ${point}`)
    this.#world.trace(`${process.server.id} is to crash ${point}`)
    this.crash(process.server)
    return true
  }

  /** Runs it for a process, even later if that is paused then. */
  after(process: Incarnation, delayMs: number, run: () => void): void {
    if (delayMs <= 0) process.enter(run)
    else this.#world.events.after(delayMs, () => process.enter(run))
  }

  #tickLater(process: Incarnation): void {
    this.after(process, timing.pingMs / 2 / process.server.clock.rate, () => {
      if (!process.isAlive) return
      this.step(process, { type: 'tick' })
      this.#tickLater(process)
    })
  }

  #diskQueueOf(process: Incarnation): DiskQueue {
    const { events, random, options } = this.#world
    return new DiskQueue(process.server.disk, {
      events,
      random,
      delayMs: () => within(options.diskMs, random),
      isAlive: () => process.isAlive,
      completed: (point, goOn) =>
        process.enter(() => {
          if (!this.crashesHere(process, point)) goOn()
        }),
      step: (input) => this.step(process, input),
    })
  }

  // --- inputs and effects ------------------------------------------------------------------------

  step(process: Incarnation, input: ZabInput): void {
    if (!process.isAlive) return
    const { id, clock } = process.server
    const nowMs = clock.nowMs()
    if (input.type === 'connected') this.#world.traceLink(`${id} has a link to ${input.peer}`)
    if (input.type === 'disconnected') {
      this.#world.traceLink(`${id} has no link to ${input.peer} any more`)
      this.#trees.abort(process, input.peer)
    }
    process.awakeMs += Math.min(nowMs - process.ranMs, timing.pingMs)
    process.ranMs = nowMs
    if (input.type === 'received') process.heardMs.set(input.from, process.awakeMs)
    this.#perform(process, process.zab.step(nowMs, input))
    if (input.type === 'epochsSaved') this.#tellName(process)
    if (input.type === 'tick' && process.isAlive) this.#rules.ticked(process)
  }

  #perform(process: Incarnation, effects: readonly ZabEffect[]): void {
    for (const effect of effects) {
      const point = effect.type === 'send' ? effect.message.type : effect.type
      if (this.crashesHere(process, `before ${point}`)) return
      this.#performOne(process, effect)
    }
  }

  #performOne(process: Incarnation, effect: ZabEffect): void {
    const { checker, coverage, network } = this.#world
    const { id } = process.server
    switch (effect.type) {
      case 'send':
        this.#rules.sends(process, effect.message, effect.to)
        coverage.cover(effect.message.type)
        if (effect.message.type === 'NOTIFICATION') process.word = effect.message
        return this.#send(process, effect.to, effect.message)
      case 'sendHistory': {
        const { to, after, upTo } = effect
        const records = process.log.filter(({ zxid }) => zxid > after && zxid <= upTo)
        this.#rules.sendsHistory(process, after)
        for (const entries of batchesOf(records)) {
          this.#send(process, to, { type: 'PROPOSAL', entries })
        }
        return
      }
      case 'sendSnapshot':
        return this.#trees.send(process, effect.to)
      case 'receiveSnapshot':
        return this.#trees.expect(process, effect.from)
      case 'installSnapshot':
        return this.#trees.install(process, effect.zxid)
      case 'append':
        process.log.push(...recordsOf(effect.entries))
        return process.diskQueue.write(effect)
      case 'truncate':
        process.log = process.log.filter((record) => record.zxid <= effect.to)
        return process.diskQueue.write(effect)
      case 'saveEpochs':
        this.#rules.saves(process, effect.epochs)
        process.currentEpoch = effect.epochs.currentEpoch
        return process.diskQueue.save(effect.epochs)
      case 'deliver':
        for (const record of process.log) {
          if (record.zxid <= process.delivered || record.zxid > effect.upTo) continue
          this.#rules.delivers(process, record)
          process.delivered = record.zxid
        }
        invariant(process.delivered === effect.upTo, 'what is delivered is in the log')
        return this.#world.trace(`${id} delivers up to ${describeZxid(effect.upTo)}`)
      case 'disconnect':
        this.#trees.abort(process, effect.peer)
        this.#world.traceLink(`${id} closes its link to ${effect.peer}: ${effect.reason}`)
        if (process.strangers.delete(effect.peer)) return
        if (!process.liars.delete(effect.peer)) {
          invariant(!effect.violation, `no peer breaks the protocol: ${effect.reason}`)
        }
        return network.close(process, effect.peer)
      case 'role':
        process.role = effect.role
        if (!effect.continues) process.isHolding = false
        this.#noteTransfer(process, effect)
        if (effect.role.type === 'looking' && process.server.votes) this.#world.hasLooked = true
        process.roleSinceMs = process.awakeMs
        process.isHandingOver = false
        process.questions.length = 0
        this.#world.trace(`${id} is ${describeRole(effect.role)}`)
        return this.#rules.takes(process, effect.role)
      case 'activate':
        return this.after(process, within(this.#world.options.networkMs, this.#world.random), () =>
          this.#activate(process),
        )
      case 'hold':
        process.isHolding = true
        process.holdingSinceMs = process.awakeMs
        return
      case 'drain':
        // Nothing is in flight outside the cores.
        return this.after(process, 0.01, () => this.step(process, { type: 'drained' }))
      case 'resume':
        process.isHolding = false
        coverage.cover('transfer given up')
        return
      case 'transferRefused':
        coverage.cover('transfer refused')
        return this.#world.trace(`${id} goes on leading: ${effect.reason}`)
      case 'confirmed':
        coverage.cover('leadership confirmed')
        for (const question of process.questions) {
          if (question.token <= effect.token) checker.confirmed(process.role, question)
        }
        return
      case 'fatal':
        invariant(false, `no server has to give up: ${effect.reason}`)
    }
  }

  #activate(process: Incarnation): void {
    if (!process.isAlive || process.zab.configuration.before === undefined) return
    if (this.#world.propose([activation], process.server.id)) {
      this.#world.coverage.cover('activation')
    }
  }

  /** An epoch begins without an election when its leader was told to take over. */
  #noteTransfer(
    process: Incarnation,
    { role, continues }: Extract<ZabEffect, { type: 'role' }>,
  ): void {
    if (role.type === 'leading' && continues) process.takesOver = true
    else if (role.type !== 'leading') process.takesOver = false
    else if (role.epoch > 0 && process.takesOver) {
      process.takesOver = false
      this.#world.coverage.cover('transfer done')
    }
  }

  #send(process: Incarnation, to: ServerId, message: ZabMessage): void {
    const from = process.server.id
    this.#world.network.send(process, to, (receiver) => {
      const { role } = receiver
      if (message.type !== 'PING' && message.type !== 'PONG') {
        this.#world.trace(`${from} -> ${to} ${describeMessage(message)}`)
      }
      this.step(receiver, {
        type: 'received',
        from,
        message: this.#arrived(receiver, process, message),
      })
      if (message.type === 'CEPOCH') this.#rules.joined(receiver, process.server, role)
    })
  }

  /** @returns what the receiver gets */
  #arrived(receiver: Incarnation, { server }: Incarnation, message: ZabMessage): ZabMessage {
    if (message.type === 'CEPOCH' && !server.votes) {
      return this.#world.lies.maybeBoast(message, receiver)
    }
    if (message.type === 'NEWLEADER') receiver.syncPoint = receiver.zab.lastZxid
    if (message.type !== 'NEWEPOCH') return message
    const told = this.#world.lies.maybeMisannounced(message, receiver, server.id)
    receiver.promised = told.epoch
    receiver.isAsked = told.asksForPromise
    receiver.syncPoint = zxidZero
    return told
  }

  /**
   * Like the real shell's links: a server names its ensemble to its peers once it has learned it.
   */
  #tellName(process: Incarnation): void {
    const { ensembleId } = process.zab.epochs
    if (ensembleId === undefined || ensembleId === process.toldName) return
    process.toldName = ensembleId
    for (const peer of process.links.keys()) {
      this.#world.network.send(process, peer, (receiver) => {
        if (receiver.zab.epochs.ensembleId !== ensembleId) return
        this.step(receiver, { type: 'member', peer: process.server.id })
      })
    }
  }
}
