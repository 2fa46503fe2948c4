// Trees in transfer from a leader to a server that the leader's log cannot bring up to date.

import { invariant } from '../../../src/invariant.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import type { Zxid } from '../../../src/protocol/zxid.ts'
import { type Range, within } from '../range.ts'
import { stateIn } from './configurations.ts'
import { describeZxid } from './describe.ts'
import { lastZxidOf } from './records.ts'
import type { Incarnation } from './server.ts'
import type { ZabShell } from './shell.ts'
import type { ZabWorld } from './world.ts'

export class Trees {
  readonly #world: ZabWorld
  readonly #shell: ZabShell

  constructor(world: ZabWorld, shell: ZabShell) {
    this.#world = world
    this.#shell = shell
  }

  /** The tree as written: the shell brings the disk up to what was delivered, and reads it back. */
  send(sender: Incarnation, to: ServerId): void {
    const { network, options } = this.#world
    const { id, disk } = sender.server
    const records = sender.log.filter(({ zxid }) => zxid <= sender.delivered)
    disk.apply(sender.delivered)
    const link = sender.links.get(to)
    this.#later(sender, options.treeMs, () => {
      if (!sender.isAlive || sender.links.get(to) !== link) return
      network.send(sender, to, (receiver) => {
        const { arriving } = receiver
        if (arriving?.from !== id) return
        const zxid = lastZxidOf(records)
        this.#world.trace(`${id} -> ${to} the tree of ${describeZxid(zxid)}`)
        arriving.records = records
        this.#later(receiver, options.diskMs, () => {
          if (this.#shell.crashesHere(receiver, 'after a tree came')) return
          if (receiver.arriving !== arriving) return
          this.#shell.step(receiver, { type: 'snapshotReceived', zxid })
          if (!receiver.isInstalling) receiver.arriving = undefined
        })
      })
    })
  }

  expect(receiver: Incarnation, from: ServerId): void {
    receiver.arriving = { from, records: [] }
  }

  /** The transfer ends without more. */
  abort(receiver: Incarnation, from: ServerId): void {
    if (receiver.arriving?.from === from && !receiver.isInstalling) receiver.arriving = undefined
  }

  install(receiver: Incarnation, zxid: Zxid): void {
    receiver.isInstalling = true
    this.#later(receiver, this.#world.options.diskMs, () => {
      if (!receiver.isAlive) return
      this.#putInForce(receiver)
      if (this.#shell.crashesHere(receiver, 'after installSnapshot')) return
      receiver.arriving = undefined
      receiver.isInstalling = false
      receiver.diskQueue.forgetLog()
      receiver.log = [...receiver.server.disk.log]
      receiver.delivered = zxid
      this.#world.trace(`${receiver.server.id} has the tree of ${describeZxid(zxid)}`)
      const configuration = stateIn(receiver.log, zxid, this.#world.seed)
      this.#shell.step(receiver, { type: 'snapshotInstalled', zxid, configuration })
    })
  }

  /** A power cut during an installation: it succeeded, or not. */
  tear(receiver: Incarnation): void {
    if (receiver.isInstalling && this.#world.random.chance(0.5)) this.#putInForce(receiver)
  }

  #putInForce({ server, arriving }: Incarnation): void {
    invariant(arriving !== undefined, 'what is installed has arrived')
    server.disk.switchTree(arriving.records)
  }

  #later(process: Incarnation, delayMs: Range, run: () => void): void {
    this.#shell.after(process, within(delayMs, this.#world.random), run)
  }
}
