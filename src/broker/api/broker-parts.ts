// The parts of a broker that its apis use, each reduced to what they use.

import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import type { ClusterSecret } from '../../protocol/mq/cluster-secret.ts'
import type { OpenBlock } from '../../protocol/mq/compression.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'
import type { UserCredentials } from '../../protocol/mq/user-credentials.ts'
import type { SaslMechanism } from '../../protocol/sasl/mechanisms.ts'
import type { RareWarnings } from '../../rare-warnings.ts'
import type { ClusterAcls } from '../cluster/cluster-acls.ts'
import type { ClusterImage } from '../cluster/cluster-image.ts'
import type { GroupCoordinator } from '../group/group-coordinator.ts'
import type { BrokerLinks } from '../replication/broker-links.ts'
import type { FollowerSessions } from '../replication/follower-sessions.ts'
import type { Purgatory } from '../replication/purgatory.ts'
import type { Replica } from '../replication/replica.ts'
import type { ProducerIds } from '../session/producer-ids.ts'
import type { BrokerSession } from '../session/session.ts'

/** The part of a replica that the apis use. */
export type ServedReplica = Pick<
  Replica,
  | 'topic'
  | 'partition'
  | 'role'
  | 'leaderEpoch'
  | 'highWatermark'
  | 'earliestOffset'
  | 'gapsBelow'
  | 'deleteRecords'
  | 'latestOffset'
  | 'offsetByTime'
  | 'isOutOfRange'
  | 'produce'
  | 'waitForRecords'
  | 'readCommitted'
  | 'endOfEpoch'
  | 'logEnd'
  | 'logBytes'
  | 'producers'
>

/** The part of a session with ZooWeeper that the apis use. */
export type ServingSession = Pick<
  BrokerSession,
  'zk' | 'readChanges' | 'readMembers' | 'readTopics' | 'readConfig' | 'readRules'
>

export interface ServedReplicas {
  readonly purgatory: Purgatory
  /** the usable ones on this broker */
  readonly replicas: Iterable<ServedReplica>
  /** undefined: this broker has no usable replica of it */
  get(topic: string, partition: number): ServedReplica | undefined
}

/** How clients authenticate themselves (kafka/sasl-session.ts). */
export interface SaslParts {
  /** the enabled ones; none: clients cannot authenticate themselves */
  readonly mechanisms: readonly SaslMechanism[]
  readonly isRequired: boolean
  /** Of a user; empty: there is no such user. @throws ZkError */
  credentials(user: string): Promise<UserCredentials>
  /** printable, without a comma, and different each time */
  makeNonce(): string
}

export interface BrokerParts {
  readonly self: BrokerId
  readonly clusterId: string
  /** of its logs */
  readonly dataDir: string
  /** shared by the brokers of the cluster */
  readonly secret: ClusterSecret
  readonly image: ClusterImage
  readonly replicas: ServedReplicas
  readonly followers: Pick<FollowerSessions, 'fetch'>
  readonly links: Pick<BrokerLinks, 'call' | 'post'>
  readonly producerIds: Pick<ProducerIds, 'next'>
  readonly groups: GroupCoordinator
  readonly sasl: SaslParts
  /** the rules of access; undefined: everyone may do everything */
  readonly acls: ClusterAcls | undefined
  /** Opens the compressed records of batches, to check them; undefined: they are stored unchecked. */
  readonly openBlock: OpenBlock | undefined
  readonly clock: Clock
  /** bytes that cannot be guessed */
  randomBytes(count: number): Uint8Array
  /** 22 characters, unique in the cluster */
  makeUuid(): string
  readonly log: Logger
  /** for warnings that anything which reaches the port can trigger at will */
  readonly warnings: RareWarnings
  readonly defaults: { readonly partitionCount: number; readonly replicationFactor: number }
  /** whether Kafka's clients make a topic by asking for it */
  readonly autoCreatesTopics: boolean
  /** the current session; undefined while none is open */
  session(): ServingSession | undefined
}
