// The exports of `import … from 'zooweeper/mq'`: producer, consumer and admin of Mimic Queue, their
// errors, and the types of their arguments and results. For programs only: our own files import
// from the defining file.

export type { Address as ServerAddress } from '../../address.ts'
export type { CodecName } from '../../protocol/mq/compression.ts'
export type { ElectedLeader } from '../../protocol/mq/elect-leaders.ts'
export { BrokerError, type MqErrorCode, mqErrorCodes } from '../../protocol/mq/error-codes.ts'
export type { BrokerId } from '../../protocol/mq/messages.ts'
export type {
  BrokerInfo,
  ClusterInfo,
  PartitionInfo,
  TopicInfo,
} from '../../protocol/mq/metadata.ts'
export type { Reassignment } from '../../protocol/mq/partition-reassignments.ts'
export type { RequiredAcks } from '../../protocol/mq/produce.ts'
export type { Offset } from '../../protocol/mq/record-batch.ts'
export type { RecordHeader } from '../../protocol/mq/records.ts'
export type { ServerLike, ServerList } from '../server-list.ts'
export {
  type BatchInfo,
  type ConsumedBatch,
  type ConsumedRecord,
  Consumer,
  type ConsumerEvents,
  type MembershipClaim,
  type PartitionProgress,
} from './consumer.ts'
export type { AssignorName } from './group/assignor-names.ts'
export type {
  GroupDetails,
  GroupListing,
  GroupMemberDetails,
  GroupPartition,
} from './group/group-admin.ts'
export {
  type GroupOffset,
  type LogDir,
  type LogStart,
  MqAdmin,
  type PartitionOffsets,
  type ReplicaSize,
} from './mq-admin.ts'
export type {
  CallOptions,
  ConsumerOptions,
  EachBatchOptions,
  GroupListener,
  MemberOptions,
  MqAdminOptions,
  MqClientOptions,
  NewHeader,
  NewRecord,
  NewTopic,
  OffsetReset,
  OffsetTarget,
  PartitionRef,
  PartitionReplicas,
  PlannedOffset,
  ProducerOptions,
  RecordsBefore,
  SeekOptions,
  SeekTarget,
  TopicPartition,
  TopicPartitionOffset,
} from './options.ts'
export { partitionFor } from './partitioner.ts'
export { Producer, SendBatchError, type StoredAt, type StoredRange } from './producer.ts'
