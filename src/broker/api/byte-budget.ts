// How many bytes of records one answer to a fetch may hold, shared by its partitions in the order of the
// request. The first batch comes whole even if it is larger: whoever fetches would stand still for ever.

import { limits } from '../../limits.ts'

export const noRecords = Buffer.alloc(0)

export class ByteBudget {
  #left: number
  #isEmpty = true

  /** @param bytesMax as the request says; the limits hold all the same */
  constructor(bytesMax: number) {
    this.#left = Math.min(bytesMax, limits.fetchBytesMax)
  }

  /**
   * Reads for one partition what the budget still has room for.
   *
   * @param read whole batches of at most so many bytes, or one that is larger
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
