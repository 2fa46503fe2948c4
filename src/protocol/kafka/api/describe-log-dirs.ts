// DescribeLogDirs: sizes of this broker's replicas. A null list of topics asks for all of them.

import { defaulted, since, structs } from '../fields.ts'
import { KafkaApi, type RequestOf, type ResponseOf } from '../message.ts'
import { boolean, int16, int32, int64, listOf, nullable, string } from '../types.ts'

export const describeLogDirs = new KafkaApi({
  key: 35,
  name: 'DescribeLogDirs',
  versions: [0, 4],
  flexibleFrom: 2,
  request: {
    topics: nullable(structs({ topic: string, partitions: listOf(int32) })),
  },
  response: {
    throttleTimeMs: defaulted(int32, 0),
    errorCode: since(3, int16, 0),
    results: structs({
      errorCode: int16,
      logDir: string,
      topics: structs({
        name: string,
        partitions: structs({
          partitionIndex: int32,
          partitionSize: int64,
          offsetLag: int64,
          isFutureKey: boolean,
        }),
      }),
      totalBytes: since(4, int64, -1),
      usableBytes: since(4, int64, -1),
    }),
  },
})

export type DescribeLogDirsRequest = RequestOf<typeof describeLogDirs>
export type DescribeLogDirsResponse = ResponseOf<typeof describeLogDirs>
