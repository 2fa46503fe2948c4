// DescribeAcls: the rules of access that a filter matches. Numbers of types, patterns, operations and
// permissions: mq/acls.ts; in a filter 1 means any, and pattern 2 everything that concerns the name.

import { defaulted, since, structs } from '../fields.ts'
import { KafkaApi, type RequestOf, type ResponseOf } from '../message.ts'
import { int8, int16, int32, nullable, string } from '../types.ts'

const literal = 3

export const aclFilter = {
  resourceTypeFilter: int8,
  resourceNameFilter: nullable(string),
  patternTypeFilter: since(1, int8, literal),
  principalFilter: nullable(string),
  hostFilter: nullable(string),
  operation: int8,
  permissionType: int8,
}

export const describeAcls = new KafkaApi({
  key: 29,
  name: 'DescribeAcls',
  versions: [0, 3],
  flexibleFrom: 2,
  request: aclFilter,
  response: {
    throttleTimeMs: defaulted(int32, 0),
    errorCode: int16,
    errorMessage: defaulted(nullable(string), null),
    resources: structs({
      resourceType: int8,
      resourceName: string,
      patternType: since(1, int8, literal),
      acls: structs({ principal: string, host: string, operation: int8, permissionType: int8 }),
    }),
  },
})

export type DescribeAclsRequest = RequestOf<typeof describeAcls>
export type DescribeAclsResponse = ResponseOf<typeof describeAcls>
