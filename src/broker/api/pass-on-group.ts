// The broker that has to answer a request about a group: its coordinator. The topic in which groups are
// stored is made for the first request.

import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'
import type { BrokerParts } from './broker-parts.ts'

/**
 * @param passedOn whether another broker has passed the request on already
 * @returns this broker, or the one to pass the request on to
 * @throws BrokerError INVALID_GROUP_ID, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR; ZkError
 */
export async function coordinatorFor(
  parts: BrokerParts,
  group: string,
  passedOn: boolean,
): Promise<BrokerId> {
  const { groups, self } = parts
  const refuse = (code: BrokerError['code'], found: string) => {
    return new BrokerError(code, `Cannot find the coordinator of group '${group}': ${found}`)
  }
  if (group === '') throw refuse('INVALID_GROUP_ID', 'its name is empty')
  if (!passedOn) await groups.prepare()
  const coordinator = groups.coordinatorOf(group)
  if (coordinator === undefined) {
    throw refuse('COORDINATOR_NOT_AVAILABLE', 'its partition of the offsets topic has no leader')
  }
  if (!passedOn || coordinator === self) return coordinator
  throw refuse('NOT_COORDINATOR', `for broker ${self} it is broker ${coordinator}`)
}
