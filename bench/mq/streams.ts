// What the systems without partitions have instead: one stream for each.

import { Random } from '../../src/random.ts'
import type { ChannelOptions } from './channel.ts'

export function streamName({ topic }: Pick<ChannelOptions, 'topic'>, partition: number): string {
  return `${topic}-${partition}`
}

/** Random, so that nothing is gained by compressing it. */
export function payloadOf({
  seed,
  recordBytes,
}: Pick<ChannelOptions, 'seed' | 'recordBytes'>): Uint8Array {
  return new Random(seed).bytes(recordBytes)
}
