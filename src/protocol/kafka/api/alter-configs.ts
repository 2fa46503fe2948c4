// AlterConfigs: replaces the whole configuration of a resource. incremental-alter-configs.ts
// changes single values.

import { defaulted, structs } from '../fields.ts'
import { KafkaApi, type RequestOf, type ResponseOf } from '../message.ts'
import { boolean, int8, int16, int32, nullable, string } from '../types.ts'

export const alterConfigs = new KafkaApi({
  key: 33,
  name: 'AlterConfigs',
  versions: [0, 2],
  flexibleFrom: 2,
  request: {
    resources: structs({
      resourceType: int8,
      resourceName: string,
      configs: structs({ name: string, value: nullable(string) }),
    }),
    validateOnly: boolean,
  },
  response: {
    throttleTimeMs: defaulted(int32, 0),
    responses: structs({
      errorCode: int16,
      errorMessage: defaulted(nullable(string), null),
      resourceType: int8,
      resourceName: string,
    }),
  },
})

export type AlterConfigsRequest = RequestOf<typeof alterConfigs>
export type AlterConfigsResponse = ResponseOf<typeof alterConfigs>
