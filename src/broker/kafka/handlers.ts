// The apis of Kafka that a broker serves, each with its handler. ApiVersions offers clients exactly
// this list.

import { apiVersions } from '../../protocol/kafka/api/api-versions.ts'
import { createTopics } from '../../protocol/kafka/api/create-topics.ts'
import { describeCluster } from '../../protocol/kafka/api/describe-cluster.ts'
import { fetch } from '../../protocol/kafka/api/fetch.ts'
import { findCoordinator } from '../../protocol/kafka/api/find-coordinator.ts'
import { initProducerId } from '../../protocol/kafka/api/init-producer-id.ts'
import { listOffsets } from '../../protocol/kafka/api/list-offsets.ts'
import { metadata } from '../../protocol/kafka/api/metadata.ts'
import { offsetForLeaderEpoch } from '../../protocol/kafka/api/offset-for-leader-epoch.ts'
import { produce } from '../../protocol/kafka/api/produce.ts'
import { writeResponse } from '../../protocol/kafka/headers.ts'
import { answerCreateTopics } from './create-topics.ts'
import { answerDescribeCluster } from './describe-cluster.ts'
import { answerFetch } from './fetch.ts'
import { answerFindCoordinator } from './find-coordinator.ts'
import { answerInitProducerId } from './init-producer-id.ts'
import { answerListOffsets } from './list-offsets.ts'
import { answerMetadata } from './metadata.ts'
import { answerOffsetForLeaderEpoch } from './offset-for-leader-epoch.ts'
import { answerProduce } from './produce.ts'
import { numberOf, type ServedApi, serve, type WriteResponse } from './serving.ts'

const served: readonly ServedApi[] = [
  serve(produce, answerProduce, { overlaps: true }),
  serve(fetch, answerFetch),
  serve(listOffsets, answerListOffsets),
  serve(metadata, answerMetadata),
  serve(findCoordinator, answerFindCoordinator),
  serve(apiVersions, (_, _request, reply) => {
    reply.send({ errorCode: numberOf('NONE'), apiKeys: offered() })
  }),
  serve(createTopics, answerCreateTopics),
  serve(initProducerId, answerInitProducerId),
  serve(offsetForLeaderEpoch, answerOffsetForLeaderEpoch),
  serve(describeCluster, answerDescribeCluster),
]

/** by api key */
export const handlers: ReadonlyMap<number, ServedApi> = new Map(served.map((api) => [api.key, api]))

function offered() {
  return served.map(({ key, offeredFrom, lastVersion }) => {
    return { apiKey: key, minVersion: offeredFrom, maxVersion: lastVersion }
  })
}

/**
 * Answers an ApiVersions request of a version that is too new. The answer has version 0, which
 * every client can read; some clients then use the version that it offers, others version 0.
 */
export function unknownVersion(correlationId: number): WriteResponse {
  const response = { errorCode: numberOf('UNSUPPORTED_VERSION'), apiKeys: offered() }
  return (to) => writeResponse(to, apiVersions, { correlationId, version: 0 }, response)
}
