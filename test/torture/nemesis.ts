// A sequence of faults: servers are killed, stopped and resumed, by role, alone and together. A
// seed decides everything except the roles that servers have at that moment.

import type { Cluster, Member } from '../../src/cli/cluster/cluster.ts'
import type { Random } from '../../src/random.ts'
import { type Roles, rolesOf } from '../process/world.ts'
import { pause } from './load.ts'

export const faults = [
  'kill the leader',
  'kill a follower',
  'kill the leader and who follows it',
  'kill all',
  'stop the leader',
  'stop a follower',
  'stop the leader and kill a follower',
  'stop all',
  'restart one by one',
] as const
export type Fault = (typeof faults)[number]

export class Nemesis {
  readonly #cluster: Cluster
  readonly #random: Random
  readonly #say: (line: string) => void
  /** How often each fault was injected. */
  readonly done = new Map<Fault, number>()

  constructor(cluster: Cluster, random: Random, say: (line: string) => void) {
    this.#cluster = cluster
    this.#random = random
    this.#say = say
  }

  /** Runs until stopped; all servers run at the end. */
  async work(until: () => boolean): Promise<void> {
    while (!until()) {
      await pause(400 + this.#random.below(1600))
      const roles = await rolesOf(this.#cluster.servers)
      if (roles === undefined) continue
      const fault = this.#random.pick(faults)
      this.#say(`${fault} (${roles.leader.name} leads)`)
      await this.#do(fault, roles)
      this.done.set(fault, (this.done.get(fault) ?? 0) + 1)
    }
    this.#reviveAll()
  }

  async #do(fault: Fault, { leader, followers }: Roles): Promise<void> {
    const random = this.#random
    const follower = followers[random.below(Math.max(1, followers.length))] ?? leader
    switch (fault) {
      case 'kill the leader':
        return this.#kill([leader])
      case 'kill a follower':
        return this.#kill([follower])
      case 'kill the leader and who follows it':
        await this.#cluster.kill(leader)
        await pause(random.below(150))
        return this.#kill([leader, follower])
      case 'kill all':
        return this.#kill(this.#cluster.servers)
      case 'stop the leader':
        return this.#stop([leader])
      case 'stop a follower':
        return this.#stop([follower])
      case 'stop the leader and kill a follower':
        this.#cluster.freeze(leader)
        await this.#kill([follower])
        return this.#reviveAll()
      case 'stop all':
        return this.#stop(this.#cluster.servers)
      case 'restart one by one':
        for (const server of this.#cluster.servers) await this.#kill([server])
    }
  }

  /** They return one after another. */
  async #kill(servers: readonly Member[]): Promise<void> {
    await Promise.all(servers.map((server) => this.#cluster.kill(server)))
    for (const server of servers) {
      await pause(this.#random.below(900))
      this.#cluster.start(server)
    }
  }

  /** Long enough, or nearly, for the others to continue without them. */
  async #stop(servers: readonly Member[]): Promise<void> {
    for (const server of servers) this.#cluster.freeze(server)
    await pause(300 + this.#random.below(1500))
    for (const server of servers) {
      await pause(this.#random.below(100))
      this.#cluster.thaw(server)
    }
  }

  #reviveAll(): void {
    for (const server of this.#cluster.servers) {
      const state = this.#cluster.stateOf(server)
      if (state === 'frozen') this.#cluster.thaw(server)
      if (state === 'down') this.#cluster.start(server)
    }
  }
}
