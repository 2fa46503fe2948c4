// ApiVersions: the apis that a broker serves, with their versions. Most clients send it first,
// before they authenticate. A request in an unknown version is answered in version 0 with
// UNSUPPORTED_VERSION and at least this api's row, so that the client can retry.

import { since, structs, tagged } from '../fields.ts'
import { KafkaApi, type RequestOf, type ResponseOf } from '../message.ts'
import { boolean, int16, int32, int64, string } from '../types.ts'

export const apiVersions = new KafkaApi({
  key: 18,
  name: 'ApiVersions',
  versions: [0, 3],
  flexibleFrom: 3,
  isAnsweredPlainly: true,
  request: {
    clientSoftwareName: since(3, string, ''),
    clientSoftwareVersion: since(3, string, ''),
  },
  response: {
    errorCode: int16,
    apiKeys: structs({ apiKey: int16, minVersion: int16, maxVersion: int16 }),
    throttleTimeMs: since(1, int32, 0),
    supportedFeatures: tagged(
      0,
      3,
      structs({ name: string, minVersion: int16, maxVersion: int16 }),
      [],
    ),
    finalizedFeaturesEpoch: tagged(1, 3, int64, -1),
    finalizedFeatures: tagged(
      2,
      3,
      structs({ name: string, maxVersionLevel: int16, minVersionLevel: int16 }),
      [],
    ),
    zkMigrationReady: tagged(3, 3, boolean, false),
  },
})

export type ApiVersionsRequest = RequestOf<typeof apiVersions>
export type ApiVersionsResponse = ResponseOf<typeof apiVersions>
