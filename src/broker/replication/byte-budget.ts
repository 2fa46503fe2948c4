// The bytes of records that one answer to a fetch may hold, shared by its partitions in the order
// of the request. The first batch is sent whole even if it is larger, or the fetcher would never
// get past it.

import { limits } from '../../limits.ts'
import { noRecords } from '../../protocol/mq/fetch.ts'

export class ByteBudget {
  #left: number
  #isEmpty = true

  /** @param bytesMax as requested; our own limit applies as well */
  constructor(bytesMax: number) {
    this.#left = Math.min(bytesMax, limits.fetchBytesMax)
  }

  /**
   * Reads the records of one partition that still fit the budget.
   *
   * @param read returns whole batches of at most that many bytes, or one that is larger
   */
  take(bytesMax: number, read: (bytesMax: number) => Buffer): Buffer {
    const room = Math.max(0, Math.min(bytesMax, this.#left))
    if (room === 0 && !this.#isEmpty) return noRecords
    const records = read(room)
    if (records.length > room && !this.#isEmpty) return noRecords
    this.#left -= records.length
    this.#isEmpty &&= records.length === 0
    return records
  }
}
