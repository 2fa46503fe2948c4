// listOffsets: where the logs of partitions begin and end, according to their leaders, and the first
// record at a time; and the error with these bounds for a client that names an offset outside of them.
//
// Next on the path: replication/replica.ts.

import { BrokerError, type OffsetBounds } from '../../protocol/mq/error-codes.ts'
import {
  type ListedOffsets,
  type ListOffsetsPartition,
  type ListOffsetsRequest,
  latestTimestamp,
  noTimestamp,
} from '../../protocol/mq/list-offsets.ts'
import { anyEpoch, failureOf, type Place } from '../../protocol/mq/messages.ts'
import type { Access } from './access.ts'
import { Answers, type Respond } from './answer.ts'
import type { BrokerParts, ServedReplica } from './broker-parts.ts'
import { epochProblem } from './leader-epoch.ts'
import { joinShare, leaderFor, Shares, slackMs } from './pass-on.ts'
import { repeated, repeatedError } from './repeated.ts'

/** The time that a leader has to answer. */
const listOffsetsMs = 2000

const api = 'listOffsets'

export function listOffsets(
  parts: BrokerParts,
  { partitions, passedOn }: ListOffsetsRequest,
  respond: Respond,
  access?: Access,
): void {
  const twice = repeated(partitions.map(nameOf))
  const options = { passedOn, twice, access }
  lookUp(parts, partitions, options, (listed) => respond({ type: api, partitions: listed }))
}

/** The same for this broker's own use. */
export function boundsOf(
  parts: BrokerParts,
  places: readonly Place[],
  done: (listed: readonly ListedOffsets[]) => void,
): void {
  const asked = places.map(({ topic, partition }) => ({ topic, partition, leaderEpoch: anyEpoch }))
  lookUp(parts, asked, { passedOn: false, twice: new Set() }, done)
}

interface LookUpOptions {
  readonly passedOn: boolean
  /** named more than once */
  readonly twice: ReadonlySet<string>
  /** of the client, where rules decide what it may do */
  readonly access?: Access | undefined
}

function lookUp(
  parts: BrokerParts,
  partitions: readonly ListOffsetsPartition[],
  { passedOn, twice, access }: LookUpOptions,
  done: (listed: readonly ListedOffsets[]) => void,
): void {
  const answers = new Answers<ListedOffsets>(partitions.length, done)
  const shares = new Shares<ListOffsetsPartition>()
  for (const [place, asked] of partitions.entries()) {
    const replica = parts.replicas.get(asked.topic, asked.partition)
    if (twice.has(nameOf(asked))) {
      answers.set(place, failed(asked, repeatedError(`list offsets of ${nameOf(asked)}`)))
    } else if (access?.mayTopic('describe', asked.topic) === false) {
      answers.set(place, failed(asked, access.refusal('topic', 'describe', asked.topic)))
    } else if (replica?.role.type === 'leading') {
      const { earliestOffset: earliest, latestOffset: latest, leaderEpoch } = replica
      const problem = epochProblem(api, replica, asked.leaderEpoch)
      if (problem !== undefined) answers.set(place, failed(asked, problem))
      else if (latest === undefined) answers.set(place, failed(asked, notYet(asked)))
      else {
        const { topic, partition } = asked
        const ends = { topic, partition, error: undefined, earliest, latest, leaderEpoch }
        findTime(replica, asked, (found) => {
          if (found instanceof BrokerError) answers.set(place, failed(asked, found))
          else answers.set(place, withTime(ends, found))
        })
      }
    } else {
      const leader = leaderFor(parts, api, asked, passedOn)
      if (leader instanceof BrokerError) answers.set(place, failed(asked, leader))
      else shares.add(leader, asked, place)
    }
  }
  for (const share of shares) {
    const request = { type: api, passedOn: true, partitions: share.partitions } as const
    const answer = parts.links.call(share.leader, request, listOffsetsMs + slackMs)
    joinShare(share, answer, answers, failed)
  }
}

function findTime(
  replica: ServedReplica,
  { timestampMs }: ListOffsetsPartition,
  done: (found: ListedOffsets['found'] | BrokerError) => void,
): void {
  if (timestampMs === undefined || timestampMs === noTimestamp) {
    done(undefined)
    return
  }
  const wanted = timestampMs === latestTimestamp ? 'latest' : timestampMs
  replica.offsetByTime(wanted).then(done, (cause: Error) => {
    const { topic, partition } = replica
    const message = `Cannot look up ${nameOf({ topic, partition })} by time: ${cause.message}`
    done(new BrokerError('KAFKA_STORAGE_ERROR', message, { cause }))
  })
}

function withTime(
  { topic, partition, error, earliest, latest, leaderEpoch }: Omit<ListedOffsets, 'found'>,
  found: ListedOffsets['found'],
): ListedOffsets {
  return { topic, partition, error, earliest, latest, leaderEpoch, found }
}

function nameOf({ topic, partition }: Place): string {
  return `${topic}/${partition}`
}

/** A new leader does not know yet how far its predecessor committed. */
export function notYet(place: Place): BrokerError {
  const message = `Cannot list offsets of ${nameOf(place)}: its new leader does not know them yet`
  return new BrokerError('OFFSET_NOT_AVAILABLE', message)
}

function failed({ topic, partition }: Place, error: BrokerError): ListedOffsets {
  const nowhere = -1
  const [earliest, latest] = [nowhere, nowhere]
  const leaderEpoch = anyEpoch
  const found = undefined
  return { topic, partition, error: failureOf(error), earliest, latest, leaderEpoch, found }
}

/** Whether the number can be an offset in any log. */
export function isOffset(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

/** @param what the attempted operation, for the message */
export function outOfRange(what: string, { start, end }: OffsetBounds): BrokerError {
  const message = `Cannot ${what}: the log begins at ${start} and ends at ${end}`
  return new BrokerError('OFFSET_OUT_OF_RANGE', message, { bounds: { start, end } })
}
