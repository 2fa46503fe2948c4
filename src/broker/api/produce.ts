// produce: the leader of each partition appends its batch; partitions of other leaders are passed
// on. The answer is sent when every partition has its acks, was refused, or has timed out.
//
// A partition that is named twice gets both batches, in request order.
//
// Next on the path: replication/replica.ts.

import { limits } from '../../limits.ts'
import type { OpenBlock } from '../../protocol/mq/compression.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { failureOf, type Place } from '../../protocol/mq/messages.ts'
import type {
  Produced,
  ProducePartition,
  ProduceRequest,
  ProduceResponse,
} from '../../protocol/mq/produce.ts'
import { batchProblem, readBatchHeader, stampBatch } from '../../protocol/mq/record-batch.ts'
import { isInternal } from '../group/offsets-topic.ts'
import type { Access } from './access.ts'
import { Answers } from './answer.ts'
import type { BrokerParts, ServedReplica } from './broker-parts.ts'
import { joinShare, leaderFor, Shares, slackMs } from './pass-on.ts'
import { type BadRecord, recordRules, refusedRecords } from './record-rules.ts'

interface ProduceOptions {
  /**
   * Whether batches that arrive before earlier ones of their producer wait for these: a native producer
   * sends through several brokers. Kafka's clients rely on being refused.
   */
  readonly mayBeEarly: boolean
  /** the time of the append, which records get where their topic wants it */
  readonly wallMs: number
  /** of the client, where rules decide what it may do */
  readonly access?: Access | undefined
}

/** The outcome for a batch. Records that are at fault are named to Kafka's clients only. */
export interface ProducedBatch extends Produced {
  readonly badRecords?: readonly BadRecord[]
}

interface ProducedBatches extends ProduceResponse {
  readonly partitions: readonly ProducedBatch[]
}

export function produce(
  parts: BrokerParts,
  request: ProduceRequest,
  respond: (answer: ProducedBatches) => void,
  { mayBeEarly, wallMs, access }: ProduceOptions = {
    mayBeEarly: true,
    wallMs: parts.clock.wallMs(),
  },
): void {
  const { acks, partitions, passedOn } = request
  const timeoutMs = Math.min(request.timeoutMs, limits.produceTimeoutMsMax)
  const deadlineMs = parts.clock.nowMs() + timeoutMs
  const answers = new Answers<ProducedBatch>(partitions.length, (produced) => {
    respond({ type: 'produce', partitions: produced })
  })
  let shares: Shares<ProducePartition> | undefined
  for (const [place, asked] of partitions.entries()) {
    if (isInternal(asked.topic)) {
      answers.set(place, failed(asked, internalError(asked)))
      continue
    }
    if (access?.mayTopic('write', asked.topic) === false) {
      answers.set(place, failed(asked, access.refusal('topic', 'write', asked.topic)))
      continue
    }
    const replica = parts.replicas.get(asked.topic, asked.partition)
    if (replica?.role.type === 'leading') {
      const config = parts.image.topicConfig(asked.topic)
      const rules = recordRules(config, wallMs)
      const openBlock = rules === undefined ? parts.openBlock : openedOnce(parts.openBlock)
      const problem = batchProblem(asked.batch, config['max.message.bytes'], openBlock)
      if (problem !== undefined) {
        answers.set(place, failed(asked, new BrokerError(problem.code, problem.message)))
        continue
      }
      const refused = rules && refusedRecords(asked.batch, rules, openBlock)
      if (refused !== undefined) {
        const { code, found, records: badRecords } = refused
        const message = `Cannot produce to ${asked.topic}/${asked.partition}: ${found}`
        // biome-ignore lint/plugin/noObjectSpread: only a batch that is refused gets here
        answers.set(place, { ...failed(asked, new BrokerError(code, message)), badRecords })
        continue
      }
      const stampMs = rules?.isStamped ? wallMs : undefined
      append(replica, asked, { acks, deadlineMs, mayBeEarly, stampMs, place, answers })
      continue
    }
    const leader = leaderFor(parts, 'produce', asked, passedOn)
    if (leader instanceof BrokerError) answers.set(place, failed(asked, leader))
    else {
      shares ??= new Shares()
      shares.add(leader, asked, place)
    }
  }
  if (shares !== undefined) passOn(parts, shares, { acks, timeoutMs, answers })
}

/** Of one batch, which is checked as a whole and then record by record. */
function openedOnce(openBlock: OpenBlock | undefined): OpenBlock | undefined {
  let opened: Buffer | undefined
  return openBlock && ((codec, block) => (opened ??= openBlock(codec, block)))
}

function internalError({ topic, partition }: Place): BrokerError {
  const found = 'only brokers write to internal topics'
  return new BrokerError(
    'INVALID_TOPIC_EXCEPTION',
    `Cannot produce to ${topic}/${partition}: ${found}`,
  )
}

interface AppendOptions {
  readonly acks: ProduceRequest['acks']
  readonly deadlineMs: number
  readonly mayBeEarly: boolean
  /** the time that its records get in place of their own */
  readonly stampMs: number | undefined
  readonly place: number
  readonly answers: Answers<ProducedBatch>
}

function append(
  replica: ServedReplica,
  asked: ProducePartition,
  { acks, deadlineMs, mayBeEarly, stampMs, place, answers }: AppendOptions,
): void {
  const { topic, partition, batch } = asked
  if (stampMs !== undefined) stampBatch(batch, stampMs)
  replica.produce({
    header: readBatchHeader(batch),
    batch,
    acks,
    deadlineMs,
    mayBeEarly,
    done: (result) => {
      const isStored = typeof result === 'number'
      answers.set(place, {
        topic,
        partition,
        error: isStored ? undefined : failureOf(result),
        baseOffset: isStored ? result : -1,
        logStart: isStored ? replica.earliestOffset : -1,
      })
    },
  })
}

interface PassOnOptions {
  readonly acks: ProduceRequest['acks']
  readonly timeoutMs: number
  readonly answers: Answers<ProducedBatch>
}

function passOn(
  { links }: BrokerParts,
  shares: Shares<ProducePartition>,
  { acks, timeoutMs, answers }: PassOnOptions,
): void {
  for (const share of shares) {
    const { leader, partitions, places } = share
    const request = { type: 'produce', acks, timeoutMs, passedOn: true, partitions } as const
    if (acks !== 'none') {
      joinShare(share, links.call(leader, request, timeoutMs + slackMs), answers, failed)
      continue
    }
    // With acks=0 the leader sends no response: the request counts as done when it is sent.
    links.post(leader, request)
    for (const [i, { topic, partition }] of partitions.entries()) {
      const produced = { topic, partition, error: undefined, baseOffset: -1, logStart: -1 }
      answers.set(places[i] ?? i, produced)
    }
  }
}

function failed({ topic, partition }: Place, error: BrokerError): Produced {
  return { topic, partition, error: failureOf(error), baseOffset: -1, logStart: -1 }
}
