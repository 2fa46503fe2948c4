// IncrementalAlterConfigs: changes single values. `configOperation` 0: set; 1: delete; 2: append to
// a list; 3: remove from a list.

import { defaulted, structs } from '../fields.ts'
import { KafkaApi, type RequestOf, type ResponseOf } from '../message.ts'
import { boolean, int8, int16, int32, nullable, string } from '../types.ts'

export const incrementalAlterConfigs = new KafkaApi({
  key: 44,
  name: 'IncrementalAlterConfigs',
  versions: [0, 1],
  flexibleFrom: 1,
  request: {
    resources: structs({
      resourceType: int8,
      resourceName: string,
      configs: structs({ name: string, configOperation: int8, value: nullable(string) }),
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

export type IncrementalAlterConfigsRequest = RequestOf<typeof incrementalAlterConfigs>
export type IncrementalAlterConfigsResponse = ResponseOf<typeof incrementalAlterConfigs>
