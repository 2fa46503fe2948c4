// The log's view of a record. Two formats exist: the transaction (daemon/storage/txn-log.ts) and
// Kafka's RecordBatch v2 (broker/partition/partition-log.ts).
//
// Records are stored back to back in preallocated segments, so a header of zeros marks the end.

/**
 * A record's place in its log: a zxid or an offset. Positions ascend from record to record,
 * not necessarily by one; a record may hold a range of them, as a record batch does.
 */
export type Position = number

/** `wholeLength` of bytes that cannot be the start of a record. */
export const notARecord = -1

/** `wholeLength` of a record in an unknown version of the format. */
export const otherVersion = -2

export interface RecordFormat {
  /** The functions below, except `isIntact`, read only these first bytes of a record. */
  readonly headerBytes: number

  /** Every record starts at a multiple of this, counted from the start of its segment. */
  readonly alignmentBytes: number

  /**
   * Header and payload together; 0 at the end of the records, or `notARecord`, or `otherVersion`.
   */
  wholeLength(bytes: Buffer, at: number): number
  firstPosition(bytes: Buffer, at: number): Position
  lastPosition(bytes: Buffer, at: number): Position

  /** Whether the checksum over the record's `length` bytes is correct. */
  isIntact(bytes: Buffer, at: number, length: number): boolean

  /** Whether each position directly follows the previous one: a gap, or a step back, is damage. */
  readonly isGapless?: boolean

  /**
   * A number that never decreases from record to record, for formats whose checksum excludes it.
   */
  epoch?(bytes: Buffer, at: number): number

  /** The record's latest timestamp, for formats whose records are looked up by time. */
  timestampMs?(bytes: Buffer, at: number): number

  /**
   * The highest position that this record's writer knew to be fsynced when it wrote it. A format
   * with this field lets recovery tell a torn tail from damage even after the last good record.
   */
  durablePosition?(bytes: Buffer, at: number): Position | undefined
}
