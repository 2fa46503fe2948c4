// A stream of records in one system, as a generator uses it: partitions to which it appends batches,
// and from which it gets records in their order. One implementation per system; all do as little work
// per record as the system's protocol allows, since they share the machine with it.

import type { Address } from '../../src/address.ts'
import { NativeChannel } from './native-channel.ts'
import { NatsChannel } from './nats-channel.ts'
import { RedisChannel } from './redis-channel.ts'

export type SystemKind = 'mimic queue' | 'redis' | 'nats'

export interface ChannelOptions {
  readonly addresses: readonly Address[]
  /** exists, with `partitions` partitions; of Redis and NATS, the prefix of as many streams */
  readonly topic: string
  readonly partitions: number
  readonly recordBytes: number
  readonly seed: number
  readonly failed: (error: Error) => void
}

/** Called with the number of records of a partition that arrived in one piece. */
export type Received = (partition: number, count: number) => void

export interface Channel {
  /**
   * Queues a batch of records for a partition; `flush` sends it. `stored` is called once all of them
   * are stored, or refused.
   */
  send(partition: number, records: number, stored: (failed: number) => void): void
  flush(): void
  /**
   * Begins to read all partitions: `all` from their first record on, and again from there after their
   * last one; `new` only the records that come from now on. Resolves when that has begun.
   */
  read(what: 'all' | 'new', received: Received): Promise<void>
}

export function openChannel(kind: SystemKind, options: ChannelOptions): Promise<Channel> {
  switch (kind) {
    case 'mimic queue':
      return NativeChannel.open(options)
    case 'redis':
      return RedisChannel.open(options)
    case 'nats':
      return NatsChannel.open(options)
  }
}
