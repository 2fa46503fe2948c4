// DescribeConfigs: configuration of topics and brokers. `resourceType` 2 is a topic, and 4 is a
// broker, named by its id. `configSource` 1: set for the topic; 2: set dynamically for the broker;
// 3: set dynamically for all brokers; 4: from the broker's configuration file; 5: default.
// `configType` 1: boolean; 2: string; 3: int; 4: short; 5: long; 6: double; 7: list; 8: class; 9:
// password.

import { defaulted, since, structs, until } from '../fields.ts'
import { KafkaApi, type RequestOf, type ResponseOf } from '../message.ts'
import { boolean, int8, int16, int32, listOf, nullable, string } from '../types.ts'

export const describeConfigs = new KafkaApi({
  key: 32,
  name: 'DescribeConfigs',
  versions: [0, 4],
  flexibleFrom: 4,
  request: {
    resources: structs({
      resourceType: int8,
      resourceName: string,
      configurationKeys: nullable(listOf(string)),
    }),
    includeSynonyms: since(1, boolean, false),
    includeDocumentation: since(3, boolean, false),
  },
  response: {
    throttleTimeMs: defaulted(int32, 0),
    results: structs({
      errorCode: int16,
      errorMessage: defaulted(nullable(string), null),
      resourceType: int8,
      resourceName: string,
      configs: structs({
        name: string,
        value: nullable(string),
        readOnly: boolean,
        isDefault: until(0, boolean, false),
        configSource: since(1, int8, -1),
        isSensitive: boolean,
        synonyms: since(1, structs({ name: string, value: nullable(string), source: int8 }), []),
        configType: since(3, int8, 0),
        documentation: since(3, nullable(string), null),
      }),
    }),
  },
})

export type DescribeConfigsRequest = RequestOf<typeof describeConfigs>
export type DescribeConfigsResponse = ResponseOf<typeof describeConfigs>
