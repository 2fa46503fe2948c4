// A Kafka request names topics, each with its partitions; a native request names partitions.
// Partitions that are refused beforehand are left out of it, and the answers are merged in request
// order.

import { BrokerError } from '../../protocol/mq/error-codes.ts'

export class Split<Asked> {
  readonly #verdicts: readonly (Asked | BrokerError)[]
  /** the partitions that are not refused, in order */
  readonly accepted: readonly Asked[]

  /** @param verdicts for each partition of the request, the native request or the error */
  constructor(verdicts: readonly (Asked | BrokerError)[]) {
    this.#verdicts = verdicts
    this.accepted = verdicts.flatMap((verdict) => (verdict instanceof BrokerError ? [] : [verdict]))
  }

  /**
   * @param answers one for each accepted partition, or the error for all of them
   * @param failed makes the answer for a partition that failed
   * @returns answers for all partitions of the request, in its order
   */
  join<Answer>(
    answers: readonly Answer[] | BrokerError,
    failed: (error: BrokerError) => Answer,
  ): PartitionAnswers<Answer> {
    const missing = 'Cannot use the answer to a request: it lacks partitions'
    const ofAll =
      answers instanceof BrokerError ? answers : new BrokerError('UNKNOWN_SERVER_ERROR', missing)
    const given = answers instanceof BrokerError ? [] : answers
    let next = 0
    const all = this.#verdicts.map((verdict) => {
      if (verdict instanceof BrokerError) return failed(verdict)
      return given[next++] ?? failed(ofAll)
    })
    return new PartitionAnswers(all)
  }
}

/** The answers of a request, read topic by topic. */
export class PartitionAnswers<Answer> {
  readonly #answers: readonly Answer[]
  #next = 0

  constructor(answers: readonly Answer[]) {
    this.#answers = answers
  }

  find(holds: (answer: Answer) => boolean): Answer | undefined {
    return this.#answers.find(holds)
  }

  /** Maps the next answers, one for each of the topic's partitions. */
  forEach<Partition, Row>(
    partitions: readonly Partition[],
    row: (partition: Partition, answer: Answer) => Row,
  ): Row[] {
    const first = this.#next
    this.#next += partitions.length
    return partitions.map((partition, i) => row(partition, this.#answers[first + i] as Answer))
  }
}

/**
 * Kafka answers a topic that a request names twice once, and librdkafka refuses any other answer.
 *
 * @returns the first row of each key
 */
export function onePerKey<Row>(rows: readonly Row[], keyOf: (row: Row) => string): readonly Row[] {
  const byKey = new Map<string, Row>()
  for (const row of rows) if (!byKey.has(keyOf(row))) byKey.set(keyOf(row), row)
  return [...byKey.values()]
}
