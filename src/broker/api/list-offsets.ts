// listOffsets: where a partition's log begins and ends, as its leader knows; and the error made of it
// when a client names an offset that does not exist.
//
// Next on the path: replication/replica.ts.

import { BrokerError, type OffsetBounds } from '../../protocol/mq/error-codes.ts'
import type { MqRequest } from '../../protocol/mq/messages.ts'
import type { Respond } from './answer.ts'
import type { BrokerParts } from './broker-parts.ts'
import { passOn } from './pass-on.ts'

type ListOffsetsRequest = Extract<MqRequest, { readonly type: 'listOffsets' }>

export interface Place {
  readonly topic: string
  readonly partition: number
}

/** How long the leader may take. */
const listOffsetsMs = 2000

export function listOffsets(
  parts: BrokerParts,
  request: ListOffsetsRequest,
  respond: Respond,
): void {
  const { topic, partition } = request
  const replica = parts.replicas.get(topic, partition)
  if (replica?.role.type !== 'leading') {
    passOn(parts, request, listOffsetsMs, respond)
    return
  }
  const { earliestOffset: earliest, latestOffset: latest } = replica
  if (latest !== undefined) {
    respond({ type: 'listOffsets', earliest, latest })
    return
  }
  const message = `Cannot list offsets of ${topic}/${partition}: its new leader does not know yet`
  respond(new BrokerError('OFFSET_NOT_AVAILABLE', message))
}

/** The same for this broker itself. @throws BrokerError while no leader can say */
export function boundsOf(parts: BrokerParts, { topic, partition }: Place): Promise<OffsetBounds> {
  const request = { type: 'listOffsets', topic, partition, passedOn: false } as const
  return new Promise((resolve, reject) => {
    listOffsets(parts, request, (answer) => {
      if (answer instanceof BrokerError) reject(answer)
      else if (answer.type === 'listOffsets') {
        resolve({ start: answer.earliest, end: answer.latest })
      }
    })
  })
}

/** Whether it can be an offset at all, of whatever log. */
export function isOffset(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

/** @param what could not be done with the offset */
export function outOfRange(what: string, { start, end }: OffsetBounds): BrokerError {
  const message = `Cannot ${what}: the log begins at ${start} and ends at ${end}`
  return new BrokerError('OFFSET_OUT_OF_RANGE', message, { bounds: { start, end } })
}
