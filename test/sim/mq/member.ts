// A member of a consumer group in a life of brokers: the membership of our client, on a host of its own,
// which commits as it pleases for the partitions that it has. It says in each commit's metadata in which
// generation it commits, so that the judge can check it against the generation that was stored before.

import { GroupMembership } from '../../../src/client/mq/group/group-membership.ts'
import { MqCluster } from '../../../src/client/mq/mq-cluster.ts'
import type { TopicPartition } from '../../../src/client/mq/options.ts'
import { BrokerError } from '../../../src/protocol/mq/error-codes.ts'
import { onlyOne } from '../../../src/protocol/mq/messages.ts'
import { SimProcess } from '../process.ts'
import { simWorld } from '../sim-world.ts'
import { type LoadParts, topic } from './load.ts'

export const team = 'team'
const callMs = 3000

interface MemberParts extends LoadParts {
  /** Records of a partition that are committed: offsets beyond cannot be committed. */
  readonly committedEnd: (partition: number) => number
  /** The offset of its group that was acknowledged last. */
  readonly acknowledgedOffset: (place: TopicPartition) => number
}

export class SimMember {
  readonly name: string
  readonly #parts: MemberParts
  readonly #process: SimProcess
  readonly #cluster: MqCluster
  readonly #membership: GroupMembership
  #isOver = false

  constructor(name: string, parts: MemberParts) {
    const { network, queue, random, brokers } = parts
    this.name = name
    this.#parts = parts
    this.#process = new SimProcess(queue)
    const world = simWorld({ network, process: this.#process, random, host: name })
    const cluster = new MqCluster({ brokers, world, name })
    this.#cluster = cluster
    let lives = 0
    const told = async (): Promise<void> => this.#told()
    this.#membership = new GroupMembership({
      cluster,
      group: team,
      topics: [topic],
      assignors: ['cooperative-sticky'],
      instanceId: undefined,
      clientId: name,
      sessionTimeoutMs: 800 + random.below(2000),
      rebalanceTimeoutMs: 1500 + random.below(2000),
      heartbeatMs: 100 + random.below(300),
      makeMemberId: () => `${name}.${++lives}`,
      listener: { assigned: told, revoked: async () => undefined, lost: async () => undefined },
      onFailure: (error) => {
        if (!this.#isOver) parts.fail(error)
      },
    })
    this.#membership.start()
  }

  get owned(): readonly TopicPartition[] {
    return this.#isOver ? [] : this.#membership.owned
  }

  /** Called for each assignment, also if nothing was added. */
  #told(): void {
    if (this.#isOver) return
    const { memberId, generation } = this.#membership.claim
    const partitions = this.#membership.owned.map(({ partition }) => partition).sort()
    this.#parts.show({ type: 'assigned', group: team, memberId, generation, partitions })
    this.#parts.cover('assignment')
  }

  /** Commits a little further on in one of its partitions; another member may have it meanwhile. */
  commit(): void {
    if (this.owned.length === 0) return
    const place = this.#parts.random.pick(this.owned)
    this.#commit(place).catch((error: unknown) => {
      if (!(error instanceof BrokerError)) this.#parts.fail(error as Error)
      else if (!this.#isOver) this.#parts.cover(`commit refused: ${error.code}`)
    })
  }

  async #commit({ topic, partition }: TopicPartition): Promise<void> {
    const { memberId, instanceId, generation } = this.#membership.claim
    const fetch = { type: 'offsetFetch', group: team, passedOn: false } as const
    const places = [{ topic, partition }]
    const { random, committedEnd, acknowledgedOffset, show, cover } = this.#parts
    const least = acknowledgedOffset({ topic, partition })
    const fetched = await this.#cluster.call({ ...fetch, partitions: places }, callMs)
    const { offset: before = 0, version } = onlyOne(fetched.partitions)
    show({ type: 'offsetFetched', group: team, topic, partition, offset: before, least })
    const offset = Math.min(before + random.below(4), committedEnd(partition))
    if (offset < before) return
    // Meanwhile the group may go on to another generation.
    if (random.chance(0.1)) await this.#pause(random.below(1000))
    const metadata = `${generation} ${memberId}`
    const commit = { topic, partition, offset, version, metadata }
    const made = await this.#cluster.call(
      {
        type: 'offsetCommit',
        group: team,
        generation,
        memberId,
        instanceId,
        timeoutMs: callMs,
        passedOn: false,
        partitions: [commit],
      },
      callMs,
    )
    const { version: at } = onlyOne(made.partitions)
    show({ type: 'offsetStored', group: team, topic, partition, offset, at })
    cover('commit of a member')
  }

  #pause(durationMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#process.after(durationMs, resolve)
    })
  }

  /** It dies without a word. */
  kill(): void {
    this.#isOver = true
    this.#process.end()
    this.#cluster.close()
  }

  async leave(): Promise<void> {
    await this.#membership.close()
    this.#isOver = true
    this.#cluster.close()
  }
}
