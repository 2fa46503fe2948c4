// What the log must know of a record, and no more. Two formats exist: the transaction
// (daemon/storage/txn-log.ts) and Kafka's RecordBatch v2 (broker/partition/partition-log.ts).
//
// Records lie back to back in preallocated segments, so a header of zeros is where writing ended.

/**
 * Where a record stands in its log: a zxid or an offset. Positions ascend from record to record,
 * not necessarily by one; a record may hold a range of them, as a record batch does.
 */
export type Position = number

/** `wholeLength` of bytes that cannot be the start of a record. */
export const notARecord = -1

/** `wholeLength` of a record in a version of the format that this program does not know. */
export const otherVersion = -2

export interface RecordFormat {
  /** The functions below, other than `isIntact`, look at these first bytes of a record only. */
  readonly headerBytes: number

  /** Every record starts at a multiple of this, counted from the start of its segment. */
  readonly alignmentBytes: number

  /** Header and payload together; 0 where writing ended, or `notARecord`, or `otherVersion`. */
  wholeLength(bytes: Buffer, at: number): number
  firstPosition(bytes: Buffer, at: number): Position
  lastPosition(bytes: Buffer, at: number): Position

  /** Whether the checksum over the record's `length` bytes holds. */
  isIntact(bytes: Buffer, at: number, length: number): boolean

  /** Each position follows the one before: a gap, or a step back, is damage. */
  readonly isGapless?: boolean

  /** A number that never falls from record to record, for formats whose checksum does not cover it. */
  epoch?(bytes: Buffer, at: number): number

  /**
   * The highest position that this record's writer knew to be fsynced when it wrote it. A format
   * that has it lets recovery tell a torn tail from damage even behind the last good record.
   */
  durablePosition?(bytes: Buffer, at: number): Position | undefined
}
