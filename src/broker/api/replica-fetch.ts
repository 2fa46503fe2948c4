// replicaFetch: a follower's fetch from the leader of its partitions.
//
// Next on the path: replication/follower-sessions.ts.

import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { ReplicaFetchRequest } from '../../protocol/mq/replica-fetch.ts'
import type { Requester, Respond } from './answer.ts'
import type { BrokerParts } from './broker-parts.ts'

export function replicaFetch(
  { image, followers }: BrokerParts,
  { brokerId }: Requester,
  request: ReplicaFetchRequest,
  respond: Respond,
): void {
  const { life } = request
  const live = image.brokers.get(brokerId)
  // What a follower had in an earlier life does not show what it has in this one.
  const isCurrent = live?.epoch === life.brokerEpoch && live.directory === life.directory
  if (!isCurrent) {
    const message = `Cannot serve a replica: broker ${brokerId} is not registered like that here`
    respond(new BrokerError('STALE_BROKER_EPOCH', message))
    return
  }
  followers.fetch(brokerId, request, (answer) => {
    respond(answer instanceof BrokerError ? answer : { type: 'replicaFetch', partitions: answer })
  })
}
