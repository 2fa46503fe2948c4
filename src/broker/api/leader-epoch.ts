// Whether a client and a replica agree on the partition's leader epoch. If they do not, the client
// could take offsets in one leader's log for offsets in another's. Source: KIP-320.

import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { anyEpoch } from '../../protocol/mq/messages.ts'
import type { ServedReplica } from './broker-parts.ts'

/**
 * @param what the attempted operation, for the message
 * @returns FENCED_LEADER_EPOCH or UNKNOWN_LEADER_EPOCH; undefined if the epochs agree
 */
export function epochProblem(
  what: string,
  {
    topic,
    partition,
    leaderEpoch: current,
  }: Pick<ServedReplica, 'topic' | 'partition' | 'leaderEpoch'>,
  leaderEpoch: number,
): BrokerError | undefined {
  if (leaderEpoch === anyEpoch || leaderEpoch === current) return undefined
  const code = leaderEpoch < current ? 'FENCED_LEADER_EPOCH' : 'UNKNOWN_LEADER_EPOCH'
  const found = `the client sees leader epoch ${leaderEpoch}, and this replica is in ${current}`
  return new BrokerError(code, `Cannot ${what} ${topic}/${partition}: ${found}`)
}
