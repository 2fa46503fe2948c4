// produce: a batch is appended by the partition's leader; any other broker passes it on.
//
// Next on the path: replication/replica.ts.

import { limits } from '../../limits.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { ProduceRequest } from '../../protocol/mq/messages.ts'
import { batchProblem, readBatchHeader } from '../../protocol/mq/record-batch.ts'
import type { Respond } from './answer.ts'
import type { BrokerParts } from './broker-parts.ts'
import { leaderFor, passedOn, passOn } from './pass-on.ts'

export function produce(parts: BrokerParts, request: ProduceRequest, respond: Respond): void {
  const { topic, partition, acks, batch } = request
  const timeoutMs = Math.min(request.timeoutMs, limits.produceTimeoutMsMax)
  const replica = parts.replicas.get(topic, partition)
  if (replica?.role.type !== 'leading') {
    if (acks === 'none') passOnBlindly(parts, request, respond)
    else passOn(parts, request, timeoutMs, respond)
    return
  }
  const problem = batchProblem(batch, limits.recordBatchBytesMax)
  if (problem !== undefined) {
    respond(new BrokerError(problem.code, problem.message))
    return
  }
  replica.produce({
    header: readBatchHeader(batch),
    batch,
    acks,
    deadlineMs: parts.clock.nowMs() + timeoutMs,
    done: (result) => {
      respond(typeof result === 'number' ? { type: 'produce', baseOffset: result } : result)
    },
  })
}

/** The client gets no response either way: this is done when it is sent. */
function passOnBlindly(parts: BrokerParts, request: ProduceRequest, respond: Respond): void {
  const leader = leaderFor(parts, request)
  if (leader instanceof BrokerError) {
    respond(leader)
    return
  }
  parts.links.post(leader, passedOn(request))
  respond({ type: 'produce', baseOffset: -1 })
}
