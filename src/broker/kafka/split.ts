// A request of Kafka's names topics, each with partitions; one of ours names partitions. Some are refused
// before they are asked for: what is answered for the others is put back between them.

import { BrokerError } from '../../protocol/mq/error-codes.ts'

export class Split<Asked> {
  readonly #verdicts: readonly (Asked | BrokerError)[]
  /** what is not refused, in order */
  readonly accepted: readonly Asked[]

  /** @param verdicts for each partition of the request what to ask for, or why not */
  constructor(verdicts: readonly (Asked | BrokerError)[]) {
    this.#verdicts = verdicts
    this.accepted = verdicts.flatMap((verdict) => (verdict instanceof BrokerError ? [] : [verdict]))
  }

  /**
   * @param answers for each that was accepted, or the error of all
   * @param failed makes the answer for one of them
   * @returns answers for all partitions of the request, in its order
   */
  join<Answer>(
    answers: readonly Answer[] | BrokerError,
    failed: (error: BrokerError) => Answer,
  ): PartitionAnswers<Answer> {
    const missing = 'Cannot use the answer to a request: partitions are left out of it'
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

/** Answers that are taken topic by topic. */
export class PartitionAnswers<Answer> {
  readonly #answers: readonly Answer[]
  #next = 0

  constructor(answers: readonly Answer[]) {
    this.#answers = answers
  }

  find(holds: (answer: Answer) => boolean): Answer | undefined {
    return this.#answers.find(holds)
  }

  /** The next ones, as many as the topic has partitions, each with its partition. */
  forEach<Partition, Row>(
    partitions: readonly Partition[],
    row: (partition: Partition, answer: Answer) => Row,
  ): Row[] {
    const first = this.#next
    this.#next += partitions.length
    return partitions.map((partition, i) => row(partition, this.#answers[first + i] as Answer))
  }
}
