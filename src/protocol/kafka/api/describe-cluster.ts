// DescribeCluster: brokers and controller. `endpointType` 1 asks for brokers, 2 for KRaft
// controllers.

import { defaulted, since, structs } from '../fields.ts'
import { KafkaApi, type RequestOf, type ResponseOf } from '../message.ts'
import { boolean, int8, int16, int32, notAskedFor, nullable, string } from '../types.ts'

export const describeCluster = new KafkaApi({
  key: 60,
  name: 'DescribeCluster',
  versions: [0, 1],
  flexibleFrom: 0,
  request: {
    includeClusterAuthorizedOperations: boolean,
    endpointType: since(1, int8, 1),
  },
  response: {
    throttleTimeMs: defaulted(int32, 0),
    errorCode: int16,
    errorMessage: defaulted(nullable(string), null),
    endpointType: since(1, int8, 1),
    clusterId: string,
    controllerId: int32,
    brokers: structs({ brokerId: int32, host: string, port: int32, rack: nullable(string) }),
    clusterAuthorizedOperations: defaulted(int32, notAskedFor),
  },
})

export type DescribeClusterRequest = RequestOf<typeof describeCluster>
export type DescribeClusterResponse = ResponseOf<typeof describeCluster>
