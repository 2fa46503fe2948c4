// The requests of clients in a life of whole servers: registers, sequential and ephemeral znodes,
// children that come and go, multis, reads with and without a sync before them, and watches of all
// kinds.

import type { CreateMode, MultiOp, Request } from '../../../src/protocol/zk/messages.ts'
import { type Zxid, zxidZero } from '../../../src/protocol/zxid.ts'
import type { Random } from '../../../src/random.ts'
import type { SimClient } from './client.ts'
import { type Role, type Roles, serverLine, textOfRoles } from './ensemble-judge.ts'
import { configPath } from './tree-model.ts'

type Reconfig = Extract<Request, { type: 'reconfig' }>

/** A client with more requests in flight sends no new one. */
const pendingMax = 40

export class Load {
  readonly #random: Random
  /** of all values; 0: of any length */
  readonly #valueBytes: number
  readonly #readsConfig: boolean
  #values = 0

  constructor(
    random: Random,
    options: {
      readonly valueBytes: number
      /** whether clients read the members of the ensemble, which may change */
      readonly readsConfig: boolean
    },
  ) {
    this.#random = random
    this.#valueBytes = options.valueBytes
    this.#readsConfig = options.readsConfig
  }

  /** What clients may ask of an ensemble: one server joins or leaves, or all members are given. */
  reconfig(ensemble: {
    readonly roles: Roles
    readonly ids: readonly number[]
    readonly version: Zxid
  }): Reconfig {
    const random = this.#random
    const { roles, ids } = ensemble
    const dice = random.next()
    const version = random.chance(0.2) ? random.pick([ensemble.version, zxidZero]) : -1
    if (dice < 0.2) return { ...this.reconfigTo(this.anyRoles(ids)), version }
    const role = random.chance(0.7) ? 'participant' : 'observer'
    const joining = dice < 0.7 ? serverLine(random.pick(ids), role) : undefined
    const leaving = dice > 0.6 ? String(random.pick([...roles.keys()])) : undefined
    return { type: 'reconfig', joining, leaving, members: undefined, version }
  }

  /** The change to these members, whatever they are now. */
  reconfigTo(roles: Roles): Reconfig {
    const members = textOfRoles(roles).replaceAll('\n', ',')
    return { type: 'reconfig', joining: undefined, leaving: undefined, members, version: -1 }
  }

  anyRoles(ids: readonly number[]): Roles {
    const random = this.#random
    const order = random.shuffled(ids)
    // Fewer voters than two are no ensemble.
    const roles = new Map<number, Role>(order.slice(0, 2).map((id) => [id, 'participant']))
    for (const id of order.slice(2)) {
      const dice = random.next()
      if (dice < 0.75) roles.set(id, dice < 0.6 ? 'participant' : 'observer')
    }
    return new Map([...roles].sort(([a], [b]) => a - b))
  }

  prepareTree(client: SimClient | undefined): void {
    for (const path of ['/q', '/e', '/c', '/r0', '/r1', '/r2']) {
      client?.ask({ type: 'create', path, data: this.value(), mode: 'persistent' })
    }
  }

  askSomething(client: SimClient): void {
    const random = this.#random
    if (!client.process.alive || client.pendingCount > pendingMax) return
    const watch = random.chance(0.3)
    const dice = random.next()
    if (dice < 0.15) {
      const synced = client.ask({ type: 'sync', path: '/' })
      client.ask(this.read(watch), { synced, watch })
    } else if (dice < 0.4) client.ask(this.read(watch), { watch })
    else if (dice < 0.42) client.ask(this.#persistentWatch(), { watch: true })
    else client.ask(this.#write(client))
  }

  /** Reads of all kinds of znodes after a sync, and one write. */
  askForAll(client: SimClient): void {
    const synced = client.ask({ type: 'sync', path: '/' })
    for (const path of ['/q', '/e', '/c', '/']) {
      client.ask({ type: 'getChildren', path, watch: false }, { synced })
    }
    client.ask({ type: 'getData', path: '/r0', watch: false }, { synced })
    client.ask(this.setData())
  }

  /** Each value is unique. */
  value(): Buffer {
    const random = this.#random
    const any = (): number => (random.chance(0.1) ? random.below(900) : random.below(40))
    const length = this.#valueBytes > 0 ? this.#valueBytes : any()
    return Buffer.from(`v${++this.#values}`.padEnd(length, '.'))
  }

  read(watch: boolean): Request {
    const type = this.#random.pick(['getData', 'exists', 'getChildren'] as const)
    return { type, path: this.#path(), watch }
  }

  setData(): Extract<Request, { type: 'setData' }> {
    const random = this.#random
    const version = random.chance(0.5) ? -1 : random.below(10)
    return { type: 'setData', path: `/r${random.below(3)}`, data: this.value(), version }
  }

  #persistentWatch(): Request {
    const random = this.#random
    const mode = random.pick(['persistent', 'persistentRecursive'] as const)
    return { type: 'addWatch', path: random.pick(['/q', '/e', '/c', '/r0']), mode }
  }

  #path(): string {
    const random = this.#random
    const register = `/r${random.below(3)}`
    if (this.#readsConfig && random.chance(0.15)) return configPath
    return random.pick([register, register, '/q', '/e', '/c', `/c/n${random.below(4)}`, '/'])
  }

  #write(client: SimClient): Request {
    const random = this.#random
    const dice = random.next()
    const create = (path: string, mode: CreateMode): Request => ({
      type: 'create',
      path,
      data: this.value(),
      mode,
    })
    if (dice < 0.35) return this.setData()
    if (dice < 0.45) return create('/q/s-', 'persistentSequential')
    if (dice < 0.55) return create('/e/s-', 'ephemeralSequential')
    if (dice < 0.65) return create(`/e/${client.name}-${random.below(3)}`, 'ephemeral')
    if (dice < 0.75) return create(`/c/n${random.below(4)}`, 'persistent')
    if (dice < 0.85) return { type: 'delete', path: `/c/n${random.below(4)}`, version: -1 }
    return { type: 'multi', ops: this.#multi(client) }
  }

  #multi(client: SimClient): MultiOp[] {
    const random = this.#random
    const path = `/c/n${random.below(4)}`
    const ops: MultiOp[] = [this.setData(), this.setData()]
    if (random.chance(0.3)) ops.push({ type: 'delete', path, version: -1 })
    if (random.chance(0.4)) {
      ops.push({ type: 'create', path, data: this.value(), mode: 'persistent' })
    }
    if (random.chance(0.3)) {
      const path = `/e/${client.name}-m`
      ops.push({ type: 'create', path, data: this.value(), mode: 'ephemeral' })
    }
    if (random.chance(0.3)) ops.push({ type: 'check', path: '/r0', version: random.below(10) })
    return ops
  }
}
