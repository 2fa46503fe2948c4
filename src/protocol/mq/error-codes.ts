// What can go wrong between a client and a broker, as Kafka names and numbers it.

/** The number goes on the wire. */
export const mqErrorCodes = {
  UNKNOWN_SERVER_ERROR: -1,
  NONE: 0,
  OFFSET_OUT_OF_RANGE: 1,
  CORRUPT_MESSAGE: 2,
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  LEADER_NOT_AVAILABLE: 5,
  NOT_LEADER_OR_FOLLOWER: 6,
  REQUEST_TIMED_OUT: 7,
  BROKER_NOT_AVAILABLE: 8,
  REPLICA_NOT_AVAILABLE: 9,
  MESSAGE_TOO_LARGE: 10,
  NETWORK_EXCEPTION: 13,
  INVALID_TOPIC_EXCEPTION: 17,
  NOT_ENOUGH_REPLICAS: 19,
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 20,
  INVALID_REQUIRED_ACKS: 21,
  INVALID_GROUP_ID: 24,
  UNSUPPORTED_VERSION: 35,
  TOPIC_ALREADY_EXISTS: 36,
  INVALID_PARTITIONS: 37,
  INVALID_REPLICATION_FACTOR: 38,
  INVALID_REQUEST: 42,
  OUT_OF_ORDER_SEQUENCE_NUMBER: 45,
  INVALID_PRODUCER_EPOCH: 47,
  KAFKA_STORAGE_ERROR: 56,
  FENCED_LEADER_EPOCH: 74,
  UNKNOWN_LEADER_EPOCH: 75,
  UNSUPPORTED_COMPRESSION_TYPE: 76,
  STALE_BROKER_EPOCH: 77,
  OFFSET_NOT_AVAILABLE: 78,
  INVALID_RECORD: 87,
  THROTTLING_QUOTA_EXCEEDED: 89,
  INVALID_UPDATE_VERSION: 95,
  INCONSISTENT_CLUSTER_ID: 104,
} as const

export type MqErrorCode = keyof typeof mqErrorCodes
export type MqErrorNumber = (typeof mqErrorCodes)[MqErrorCode]

/** Errors that may be gone when the same request is sent again, perhaps to another broker. */
const retriable: ReadonlySet<MqErrorCode> = new Set<MqErrorCode>([
  'CORRUPT_MESSAGE',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_OR_FOLLOWER',
  'REQUEST_TIMED_OUT',
  'BROKER_NOT_AVAILABLE',
  'REPLICA_NOT_AVAILABLE',
  'NETWORK_EXCEPTION',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'KAFKA_STORAGE_ERROR',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'OFFSET_NOT_AVAILABLE',
  'THROTTLING_QUOTA_EXCEEDED',
])

const names = new Map<number, MqErrorCode>(
  Object.entries(mqErrorCodes).map(([name, number]) => [number, name as MqErrorCode]),
)

/** @returns UNKNOWN_SERVER_ERROR for a number that is none of ours. */
export function mqErrorCodeOf(number: number): MqErrorCode {
  return names.get(number) ?? 'UNKNOWN_SERVER_ERROR'
}

export function isRetriable(code: MqErrorCode): boolean {
  return retriable.has(code)
}

/** Offsets that a partition holds: from its first record to after the last one that can be read. */
export interface OffsetBounds {
  readonly start: number
  readonly end: number
}

export interface BrokerErrorOptions extends ErrorOptions {
  readonly bounds?: OffsetBounds | undefined
}

/** What was asked cannot be done; becomes a response on the broker and a rejection on the client. */
export class BrokerError extends Error {
  override readonly name = 'BrokerError'
  readonly code: MqErrorCode
  /** of an OFFSET_OUT_OF_RANGE: which offsets there are */
  readonly bounds: OffsetBounds | undefined

  constructor(code: MqErrorCode, message: string, options?: BrokerErrorOptions) {
    super(message, options)
    this.code = code
    this.bounds = options?.bounds
  }

  get retriable(): boolean {
    return isRetriable(this.code)
  }
}
