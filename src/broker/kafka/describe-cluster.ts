// DescribeCluster: the live brokers, and the controller.

import type {
  DescribeClusterRequest,
  DescribeClusterResponse,
} from '../../protocol/kafka/api/describe-cluster.ts'
import { brokersOf, controllerOf } from './metadata.ts'
import { type KafkaContext, type KafkaReply, numberOf } from './serving.ts'

/** The other type is KRaft controllers. */
const brokerEndpoints = 1

export function answerDescribeCluster(
  { parts }: KafkaContext,
  { endpointType }: DescribeClusterRequest,
  reply: KafkaReply<DescribeClusterResponse>,
): void {
  const { clusterId } = parts
  if (endpointType !== brokerEndpoints) {
    const errorCode = numberOf('UNSUPPORTED_ENDPOINT_TYPE')
    const errorMessage = `Cannot describe endpoints of type ${endpointType}: brokers are type 1`
    reply.send({ errorCode, errorMessage, clusterId, controllerId: -1, brokers: [] })
    return
  }
  reply.send({
    errorCode: numberOf('NONE'),
    endpointType,
    clusterId,
    controllerId: controllerOf(parts),
    brokers: brokersOf(parts).map(({ id, host, port, rack = null }) => {
      return { brokerId: id, host, port, rack }
    }),
  })
}
