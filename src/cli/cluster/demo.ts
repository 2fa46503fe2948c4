// A cluster with goals flowing through it, and faults for it: members are killed and revived, and
// the time until everything works again is reported for each. Used by `zw start`.

import { MqAdmin } from '../../client/mq/mq-admin.ts'
import { ZkClient } from '../../client/zk/zk-client.ts'
import type { Clock } from '../../clock.ts'
import { ZkError } from '../../protocol/error-codes.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { noBroker } from '../../protocol/mq/messages.ts'
import type { PartitionInfo } from '../../protocol/mq/metadata.ts'
import type { Random } from '../../random.ts'
import { accepts, askHealth } from '../four-letter-word.ts'
import { makeTopic } from '../make-topic.ts'
import type { Cluster, Member } from './cluster.ts'
import { abortable, untilReady } from './cluster-ready.ts'

export const demoTopic = 'goals'
/** Written to check that the ensemble accepts writes. */
const probePath = '/zw-start'
const askAgainMs = 10
/** A live broker answers immediately; others are not waited for. */
const adminTimeoutMs = 1000

export class Demo {
  readonly #cluster: Cluster
  readonly #tell: (event: string) => void
  readonly #clock: Clock
  readonly #random: Random
  readonly #admin: MqAdmin
  #zk: ZkClient
  #whenStored: (() => void)[] = []
  #isClosed = false

  /** @param tell receives every event */
  constructor(options: {
    readonly cluster: Cluster
    readonly tell: (event: string) => void
    readonly clock: Clock
    readonly random: Random
  }) {
    this.#cluster = options.cluster
    this.#tell = options.tell
    this.#clock = options.clock
    this.#random = options.random
    this.#admin = new MqAdmin({
      brokers: options.cluster.brokerAddresses,
      timeoutMs: adminTimeoutMs,
    })
    this.#zk = this.#newClient()
    options.cluster.on('exited', ({ name }, { wanted }) => {
      if (!wanted) this.#tell(`${name} ended unexpectedly: see its log`)
    })
  }

  get admin(): MqAdmin {
    return this.#admin
  }

  /** Starts everything, and creates the topic with a replica on each broker. */
  async start(signal: AbortSignal): Promise<void> {
    const startedMs = this.#clock.nowMs()
    this.#cluster.startAll()
    await untilReady(this.#cluster, signal)
    await abortable(this.#zk.connect(), signal)
    if ((await this.#zk.exists(probePath)) === undefined) await this.#zk.create(probePath)
    this.#tell(`everything is ready ${this.#since(startedMs)}`)
    const replicas = this.#cluster.brokers.length
    const made = await makeTopic(this.#admin, { topic: demoTopic, replicas })
    if (made !== undefined) this.#tell(made)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#admin.close()
    await this.#zk.close()
  }

  /** Must be called for each stored goal. */
  stored(): void {
    for (const resolve of this.#whenStored.splice(0)) resolve()
  }

  // --- servers -----------------------------------------------------------------------------------

  async killLeader(): Promise<void> {
    const leader = await this.#leader()
    if (leader === undefined) this.#tell('there is no leader to kill; v revives')
    else await this.#killServer(leader, 'the leader')
  }

  async killFollower(): Promise<void> {
    const leader = await this.#leader()
    const followers = this.#alive(this.#cluster.servers).filter((server) => server !== leader)
    if (followers.length === 0) this.#tell('there is no follower to kill; v revives')
    else await this.#killServer(this.#random.pick(followers), 'a follower')
  }

  async killAnyServer(): Promise<void> {
    const servers = this.#alive(this.#cluster.servers)
    if (servers.length === 0) this.#tell('there is no server to kill; v revives')
    else await this.#killServer(this.#random.pick(servers), 'picked at random')
  }

  async #killServer(server: Member, what: string): Promise<void> {
    const killedMs = this.#clock.nowMs()
    this.#tell(`killed ${server.name}, ${what}`)
    await this.#cluster.kill(server)
    const { servers } = this.#cluster
    const left = this.#alive(servers).filter((other) => other !== server)
    if (left.length <= servers.length / 2) {
      this.#tell(`no quorum: ${left.length} of ${servers.length} servers; v revives`)
    }
    const leads = this.#untilLed(left).then((leader) => {
      if (leader !== undefined) this.#tell(`${leader.name} leads ${this.#since(killedMs)}`)
    })
    await this.#untilWritable()
    if (!this.#isClosed) this.#tell(`the ensemble accepts writes again ${this.#since(killedMs)}`)
    await leads
  }

  async #leader(): Promise<Member | undefined> {
    const servers = this.#alive(this.#cluster.servers)
    const healths = await Promise.all(servers.map(({ address }) => askHealth(address)))
    return servers.find((_, i) => ['leader', 'standalone'].includes(healths[i]?.role ?? ''))
  }

  /** Resolves once one of them leads, or undefined once a server was revived meanwhile. */
  async #untilLed(servers: readonly Member[]): Promise<Member | undefined> {
    const isOld = () => this.#alive(this.#cluster.servers).length > servers.length
    while (!this.#isClosed && !isOld()) {
      const leader = await this.#leader()
      if (leader !== undefined && servers.includes(leader)) return leader
      await this.#pause()
    }
    return undefined
  }

  async #untilWritable(): Promise<void> {
    while (!this.#isClosed) {
      try {
        // A session that ended without a quorum is useless.
        if (this.#zk.state === 'expired') this.#zk = this.#newClient()
        await this.#zk.connect()
        await this.#zk.setData(probePath, String(this.#clock.wallMs()))
        return
      } catch (error) {
        if (!(error instanceof ZkError)) throw error
        await this.#pause()
      }
    }
  }

  #newClient(): ZkClient {
    return new ZkClient({
      servers: this.#cluster.serverAddresses,
      connectTimeoutMs: Number.POSITIVE_INFINITY,
    })
  }

  // --- brokers -----------------------------------------------------------------------------------

  async killLeadingBroker(): Promise<void> {
    const partition = await this.#partition()
    const leader = this.#alive(this.#cluster.brokers).find(({ id }) => id === partition?.leader)
    if (leader === undefined) this.#tell('there is no leading broker; v revives')
    else await this.#killBroker(leader)
  }

  async killAnyBroker(): Promise<void> {
    const brokers = this.#alive(this.#cluster.brokers)
    if (brokers.length === 0) this.#tell('there is no broker to kill; v revives')
    else await this.#killBroker(this.#random.pick(brokers))
  }

  async #killBroker(broker: Member): Promise<void> {
    const before = await this.#partition()
    const led = before?.leader === broker.id
    const killedMs = this.#clock.nowMs()
    await this.#cluster.kill(broker)
    this.#tell(`killed ${broker.name}, ${led ? 'which led' : 'which followed in'} ${demoTopic}`)
    const after = await this.#untilPartition(
      ({ leader, isr }) => leader !== noBroker && !isr.some((id) => id === broker.id),
      () => this.#cluster.stateOf(broker) === 'down',
    )
    if (after === undefined) return
    const isr = `in sync: ${after.isr.join(', ')}`
    if (led)
      this.#tell(`broker ${after.leader} leads ${demoTopic} ${this.#since(killedMs)}, ${isr}`)
    else this.#tell(`broker ${broker.id} left the ISR ${this.#since(killedMs)}, ${isr}`)
    await new Promise<void>((resolve) => this.#whenStored.push(resolve))
    this.#tell(`goals are stored again ${this.#since(killedMs)}`)
  }

  /** @returns undefined if it stays unknown, or waiting is no longer useful */
  async #untilPartition(
    holds: (partition: PartitionInfo) => boolean,
    goesOn: () => boolean,
  ): Promise<PartitionInfo | undefined> {
    do {
      const partition = await this.#partition()
      if (partition !== undefined && holds(partition)) return partition
      await this.#pause()
    } while (!this.#isClosed && goesOn())
    return undefined
  }

  async #partition(): Promise<PartitionInfo | undefined> {
    try {
      return (await this.#admin.topic(demoTopic))?.partitions[0]
    } catch (error) {
      if (error instanceof BrokerError) return undefined
      throw error
    }
  }

  // --- all ---------------------------------------------------------------------------------------

  async reviveAll(): Promise<void> {
    const down = this.#cluster.members.filter((member) => this.#cluster.stateOf(member) === 'down')
    if (down.length === 0) this.#tell('no member is down')
    await Promise.all(down.map((member) => this.#revive(member)))
  }

  async #revive(member: Member): Promise<void> {
    const revivedMs = this.#clock.nowMs()
    this.#cluster.start(member)
    this.#tell(`revived ${member.name}`)
    const isBack = () => this.#isBack(member)
    while (!this.#isClosed && this.#cluster.stateOf(member) === 'running') {
      if (await isBack()) {
        this.#tell(`${member.name} is back ${this.#since(revivedMs)}`)
        return
      }
      await this.#pause()
    }
  }

  /** Whether a server serves, or a broker has caught up with its leader. */
  async #isBack({ kind, id, address }: Member): Promise<boolean> {
    if (kind === 'broker') {
      // The ISR alone may still include its earlier life.
      const partition = (await accepts(address)) ? await this.#partition() : undefined
      return partition?.isr.some((one) => one === id) ?? false
    }
    const { role } = await askHealth(address)
    return role !== 'lost' && role !== 'looking'
  }

  #alive(members: readonly Member[]): Member[] {
    return members.filter((member) => this.#cluster.stateOf(member) === 'running')
  }

  /** 'after 120 ms' */
  #since(ms: number): string {
    return `after ${Math.round(this.#clock.nowMs() - ms)} ms`
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#clock.after(askAgainMs, resolve))
  }
}
