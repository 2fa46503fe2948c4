// DeleteAcls: removes the rules of access that filters match. Numbers: mq/acls.ts.

import { defaulted, since, structs } from '../fields.ts'
import { KafkaApi, type RequestOf, type ResponseOf } from '../message.ts'
import { int8, int16, int32, nullable, string } from '../types.ts'
import { aclFilter } from './describe-acls.ts'

const literal = 3

export const deleteAcls = new KafkaApi({
  key: 31,
  name: 'DeleteAcls',
  versions: [0, 3],
  flexibleFrom: 2,
  request: { filters: structs(aclFilter) },
  response: {
    throttleTimeMs: defaulted(int32, 0),
    filterResults: structs({
      errorCode: int16,
      errorMessage: defaulted(nullable(string), null),
      matchingAcls: structs({
        errorCode: int16,
        errorMessage: defaulted(nullable(string), null),
        resourceType: int8,
        resourceName: string,
        patternType: since(1, int8, literal),
        principal: string,
        host: string,
        operation: int8,
        permissionType: int8,
      }),
    }),
  },
})

export type DeleteAclsRequest = RequestOf<typeof deleteAcls>
export type DeleteAclsResponse = ResponseOf<typeof deleteAcls>
