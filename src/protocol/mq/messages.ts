// Every message between a client and a broker, and between two brokers, as msgpack arrays in frames.
//
//   hello     [version, role, clusterId | nil, name, brokerId, brokerEpoch]   role client or broker
//   welcome   [version, clusterId, brokerId]
//   request   [correlationId, api, ...fields]
//   response  [correlationId, error, ...fields]     error not 0: a sentence; for 1 start and end of the log
//
// Responses come as they are ready, in any order. A produce with acks 0 has none.
// docs/broker-protocol.md spells out the fields. Next on the path: broker/api/dispatch.ts.

import { ProtocolError } from '../error-codes.ts'
import type { MsgpackReader, MsgpackWriter } from '../msgpack.ts'
import type { BrokerError, MqErrorCode, OffsetBounds } from './error-codes.ts'
import { mqErrorCodeOf, mqErrorCodes } from './error-codes.ts'
import type { Offset, ProducerId } from './record-batch.ts'

export const mqProtocolVersion = 2

/** `--id N` of a broker. */
export type BrokerId = number & { readonly __brokerId: never }

/** In place of a broker: nobody, or no broker at all but a client. */
export const noBroker = -1 as BrokerId

/** Random, made with a broker's data directory: a wiped disk, or an old copy of one, is another. */
export type DirectoryId = string & { readonly __directoryId: never }

/** One life of a broker, from its registration to the end of that, with the disk that it has in it. */
export interface Life {
  readonly directory: DirectoryId
  /** czxid of the broker's /brokers/ids node */
  readonly brokerEpoch: number
}

export interface MqHello {
  readonly version: number
  readonly role: 'client' | 'broker'
  /** undefined until a client has met its cluster */
  readonly clusterId: string | undefined
  /** what the other side's log calls this link */
  readonly name: string
  /** noBroker for a client */
  readonly brokerId: BrokerId
  /** czxid of the broker's /brokers/ids node: tells its lives apart. 0 for a client. */
  readonly brokerEpoch: number
}

export interface MqWelcome {
  readonly version: number
  readonly clusterId: string
  readonly brokerId: BrokerId
}

/** 0: no response; 1: the leader has it on its disk; all: enough of the ISR has. */
export const requiredAcks = { none: 0, leader: 1, all: -1 } as const
export type RequiredAcks = keyof typeof requiredAcks

export interface ProduceRequest {
  readonly type: 'produce'
  readonly topic: string
  readonly partition: number
  readonly acks: RequiredAcks
  readonly timeoutMs: number
  /** a broker sent it on for a client, once and no further */
  readonly passedOn: boolean
  /** one RecordBatch v2 */
  readonly batch: Buffer
}

export interface FetchRequest {
  readonly type: 'fetch'
  readonly topic: string
  readonly partition: number
  readonly offset: Offset
  /** how long to wait for the first record */
  readonly maxWaitMs: number
  /** a first batch that is larger comes whole all the same */
  readonly bytesMax: number
  readonly passedOn: boolean
}

export interface ReplicaFetchPartition {
  readonly topic: string
  readonly partition: number
  /** epoch in which the follower follows */
  readonly leaderEpoch: number
  /** the follower's log end, durable */
  readonly offset: Offset
  /** epoch of the last batch before `offset`; -1 for an empty log */
  readonly lastEpoch: number
  /** what the follower knows; news about it ends the wait as records do */
  readonly highWatermark: Offset
}

export interface ReplicaFetchRequest {
  readonly type: 'replicaFetch'
  /** of the follower: what it says to have durable holds for this life only */
  readonly life: Life
  readonly maxWaitMs: number
  readonly bytesMax: number
  readonly partitions: readonly ReplicaFetchPartition[]
}

export type MqRequest =
  | ProduceRequest
  | FetchRequest
  | ReplicaFetchRequest
  | {
      readonly type: 'listOffsets'
      readonly topic: string
      readonly partition: number
      readonly passedOn: boolean
    }
  | {
      readonly type: 'leaderEpochEnd'
      readonly topic: string
      readonly partition: number
      readonly epoch: number
    }
  /** undefined: all topics */
  | { readonly type: 'metadata'; readonly topics: readonly string[] | undefined }
  /** -1 asks for the broker's default */
  | {
      readonly type: 'createTopic'
      readonly topic: string
      readonly partitionCount: number
      readonly replicationFactor: number
      readonly timeoutMs: number
    }
  | { readonly type: 'initProducerId' }
  | {
      readonly type: 'commitOffset'
      readonly group: string
      readonly topic: string
      readonly partition: number
      readonly offset: Offset
      /** of the commit that this one follows: a commit that comes late is refused */
      readonly version: CommitVersion
      /** nothing is written any more when it is over */
      readonly timeoutMs: number
    }
  | {
      readonly type: 'committedOffset'
      readonly group: string
      readonly topic: string
      readonly partition: number
    }
  | { readonly type: 'recoveryChoices'; readonly topic: string; readonly partition: number }
  /** A person chooses a leader, perhaps one that lacks committed records. */
  | {
      readonly type: 'recover'
      readonly topic: string
      readonly partition: number
      readonly leader: BrokerId
      /** of the state that the person was shown */
      readonly version: number
    }

/** One replica of a partition that has no leader, for a person who has to choose. */
export interface RecoveryChoice {
  readonly broker: BrokerId
  /** of its log: whole, tail-cut, incomplete, ahead, damaged, unavailable; or away, leader, no report */
  readonly condition: string
  /** whether the ISR names its disk, and so all that was committed was on it */
  readonly isInSync: boolean
  /** the same, of a replica that left while too few were in sync */
  readonly isEligible: boolean
  /** whether it can be chosen */
  readonly mayLead: boolean
  /** epoch of its last record; -1 for none, or if that is not known */
  readonly lastEpoch: number
  readonly end: Offset | undefined
  /** it knows all before to be committed */
  readonly highWatermark: Offset | undefined
  /** records that are lost at most when it leads; undefined: that is not known */
  readonly losesAtMost: number | undefined
  /** why it cannot be used, if so */
  readonly detail: string
}

export interface RecoveryChoices {
  /** of the partition's state, which a choice is conditional on */
  readonly version: number
  readonly leader: BrokerId
  readonly leaderEpoch: number
  readonly choices: readonly RecoveryChoice[]
}

/** Version of the znode of a committed offset. */
export type CommitVersion = number

/** In place of one: the group committed nothing here, or nothing that can be read. */
export const noCommit: CommitVersion = -1

export interface BrokerInfo {
  readonly id: BrokerId
  readonly host: string
  readonly port: number
}

export interface PartitionInfo {
  readonly partition: number
  /** noBroker while there is none */
  readonly leader: BrokerId
  readonly leaderEpoch: number
  readonly replicas: readonly BrokerId[]
  readonly isr: readonly BrokerId[]
  /** replicas that cannot be used */
  readonly problems: readonly PartitionProblem[]
}

export interface PartitionProblem {
  /** noBroker: of the partition itself, wherever its replicas are */
  readonly broker: BrokerId
  readonly reason: string
}

export interface TopicInfo {
  readonly topic: string
  /** empty when `problem` is not undefined */
  readonly topicId: string
  /** why nothing else is known of it */
  readonly problem: string | undefined
  readonly partitions: readonly PartitionInfo[]
}

export interface ClusterInfo {
  readonly clusterId: string
  readonly controller: BrokerId
  /** those alive, by id */
  readonly brokers: readonly BrokerInfo[]
  /** by name; a topic that was asked for and is missing does not exist */
  readonly topics: readonly TopicInfo[]
}

export interface FetchedRecords {
  readonly highWatermark: Offset
  readonly logStart: Offset
  /** whole batches back to back, from the one that holds the offset asked for; may be empty */
  readonly records: Buffer
}

export interface ReplicaFetched extends FetchedRecords {
  readonly topic: string
  readonly partition: number
  /** NONE, or why there is nothing for this partition */
  readonly code: MqErrorCode
  /** the follower's log differs: the leader's last epoch at or before its, and where that ends */
  readonly diverging: { readonly epoch: number; readonly endOffset: Offset } | undefined
}

/** What a request of the same type is answered with. */
export type MqResponse =
  | { readonly type: 'produce'; readonly baseOffset: Offset }
  | ({ readonly type: 'fetch' } & FetchedRecords)
  | { readonly type: 'replicaFetch'; readonly partitions: readonly ReplicaFetched[] }
  | { readonly type: 'listOffsets'; readonly earliest: Offset; readonly latest: Offset }
  /** -1, -1 when the log is empty */
  | { readonly type: 'leaderEpochEnd'; readonly epoch: number; readonly endOffset: Offset }
  | { readonly type: 'metadata'; readonly cluster: ClusterInfo }
  | { readonly type: 'createTopic'; readonly topicId: string }
  | {
      readonly type: 'initProducerId'
      readonly producerId: ProducerId
      readonly producerEpoch: number
    }
  | { readonly type: 'commitOffset'; readonly version: CommitVersion }
  /** undefined and noCommit: the group committed nothing here */
  | {
      readonly type: 'committedOffset'
      readonly offset: Offset | undefined
      readonly version: CommitVersion
    }
  | { readonly type: 'recoveryChoices'; readonly found: RecoveryChoices }
  | { readonly type: 'recover'; readonly leaderEpoch: number }

export const apis = {
  produce: 1,
  fetch: 2,
  replicaFetch: 3,
  listOffsets: 4,
  leaderEpochEnd: 5,
  metadata: 6,
  createTopic: 7,
  initProducerId: 8,
  commitOffset: 9,
  committedOffset: 10,
  recoveryChoices: 11,
  recover: 12,
} as const

export type ApiName = keyof typeof apis

/** The response that answers a request of type `T`. */
export type ResponseOf<T extends ApiName> = Extract<MqResponse, { readonly type: T }>

export function encodeMqHello(out: MsgpackWriter, hello: MqHello): void {
  out.arrayHeader(6)
  out.int(hello.version)
  out.string(hello.role)
  if (hello.clusterId === undefined) out.nil()
  else out.string(hello.clusterId)
  out.string(hello.name)
  out.int(hello.brokerId)
  out.int(hello.brokerEpoch)
}

/** @throws ProtocolError also for a version from the future or another role */
export function decodeMqHello(reader: MsgpackReader): MqHello {
  const count = reader.arrayHeader()
  const version = reader.natural('the protocol version')
  if (version !== mqProtocolVersion) {
    const found = `this broker speaks ${mqProtocolVersion}`
    throw new ProtocolError(`Cannot talk protocol version ${version}: ${found}`)
  }
  const role = reader.string()
  if (count !== 6 || (role !== 'client' && role !== 'broker')) {
    throw new ProtocolError(`Cannot serve the role '${role}' on a broker's port`)
  }
  const clusterId = reader.nilOr(() => reader.string())
  const name = reader.string()
  const brokerId = reader.int() as BrokerId
  const brokerEpoch = reader.natural('the broker epoch')
  reader.expectEnd()
  return { version, role, clusterId, name, brokerId, brokerEpoch }
}

export function encodeMqWelcome(out: MsgpackWriter, welcome: MqWelcome): void {
  out.arrayHeader(3)
  out.int(welcome.version)
  out.string(welcome.clusterId)
  out.int(welcome.brokerId)
}

export function decodeMqWelcome(reader: MsgpackReader): MqWelcome {
  const count = reader.arrayHeader()
  if (count !== 3) throw new ProtocolError(`Cannot decode a welcome of ${count} fields: wanted 3`)
  const version = reader.natural('the protocol version')
  const clusterId = reader.string()
  const brokerId = reader.natural('the broker id') as BrokerId
  reader.expectEnd()
  return { version, clusterId, brokerId }
}

export function encodeMqError(out: MsgpackWriter, correlationId: number, error: BrokerError): void {
  const { bounds } = error
  out.arrayHeader(bounds === undefined ? 3 : 5)
  out.int(correlationId)
  out.int(mqErrorCodes[error.code])
  out.string(error.message)
  if (bounds === undefined) return
  out.int(bounds.start)
  out.int(bounds.end)
}

export interface ResponseHeader {
  readonly correlationId: number
  readonly code: MqErrorCode
  /** why, when the code is not NONE; otherwise the fields are still to be read */
  readonly message: string
  readonly bounds: OffsetBounds | undefined
}

/** Reads as far as what every response has; `decodeResponse` reads on. */
export function decodeResponseHeader(reader: MsgpackReader): ResponseHeader {
  const count = reader.arrayHeader()
  const correlationId = reader.natural('the correlation id')
  const code = mqErrorCodeOf(reader.int())
  if (code === 'NONE') return { correlationId, code, message: '', bounds: undefined }
  const message = reader.string()
  if (count < 5) return { correlationId, code, message, bounds: undefined }
  const start = reader.natural('where the log begins')
  const end = reader.natural('where the log ends')
  return { correlationId, code, message, bounds: { start, end } }
}
