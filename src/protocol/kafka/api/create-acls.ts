// CreateAcls: adds rules of access. Numbers: mq/acls.ts.

import { defaulted, since, structs } from '../fields.ts'
import { KafkaApi, type RequestOf, type ResponseOf } from '../message.ts'
import { int8, int16, int32, nullable, string } from '../types.ts'

const literal = 3

export const createAcls = new KafkaApi({
  key: 30,
  name: 'CreateAcls',
  versions: [0, 3],
  flexibleFrom: 2,
  request: {
    creations: structs({
      resourceType: int8,
      resourceName: string,
      resourcePatternType: since(1, int8, literal),
      principal: string,
      host: string,
      operation: int8,
      permissionType: int8,
    }),
  },
  response: {
    throttleTimeMs: defaulted(int32, 0),
    results: structs({
      errorCode: int16,
      errorMessage: defaulted(nullable(string), null),
    }),
  },
})

export type CreateAclsRequest = RequestOf<typeof createAcls>
export type CreateAclsResponse = ResponseOf<typeof createAcls>
