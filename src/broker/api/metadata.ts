// metadata and initProducerId, which every broker answers by itself: from its image of the cluster,
// and from its block of producer ids.

import type { InitProducerIdResponse } from '../../protocol/mq/init-producer-id.ts'
import type { MetadataRequest } from '../../protocol/mq/metadata.ts'
import type { Respond } from './answer.ts'
import type { BrokerParts } from './broker-parts.ts'
import { openSession } from './open-session.ts'

export function metadata(
  { image, clusterId }: Pick<BrokerParts, 'image' | 'clusterId'>,
  { topics }: MetadataRequest,
  respond: Respond,
): void {
  respond({ type: 'metadata', cluster: image.info(clusterId, topics) })
}

export async function initProducerId(parts: BrokerParts): Promise<InitProducerIdResponse> {
  const { zk } = openSession(parts, 'give out a producer id')
  const producerId = await parts.producerIds.next(zk)
  return { type: 'initProducerId', producerId, producerEpoch: 0 }
}
