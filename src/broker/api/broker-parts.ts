// The parts of a broker that its apis use, and what they use of each.

import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import type { ClusterSecret } from '../../protocol/mq/cluster-secret.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'
import type { RareWarnings } from '../../rare-warnings.ts'
import type { ClusterImage } from '../cluster/cluster-image.ts'
import type { GroupCoordinator } from '../group/group-coordinator.ts'
import type { BrokerLinks } from '../replication/broker-links.ts'
import type { Purgatory } from '../replication/purgatory.ts'
import type { Replica } from '../replication/replica.ts'
import type { ProducerIds } from '../session/producer-ids.ts'
import type { BrokerSession } from '../session/session.ts'

/** What the apis use of a replica. */
export type ServedReplica = Pick<
  Replica,
  | 'topic'
  | 'partition'
  | 'role'
  | 'leaderEpoch'
  | 'highWatermark'
  | 'earliestOffset'
  | 'latestOffset'
  | 'isOutOfRange'
  | 'produce'
  | 'waitForRecords'
  | 'readCommitted'
  | 'followerFetched'
  | 'hasNews'
  | 'waitForNews'
  | 'readForFollower'
  | 'endOfEpoch'
>

/** What the apis use of a session with ZooWeeper. */
export type ServingSession = Pick<BrokerSession, 'zk' | 'readCluster'>

export interface ServedReplicas {
  readonly purgatory: Purgatory
  /** undefined: this broker has no replica of it, or none that can be used */
  get(topic: string, partition: number): ServedReplica | undefined
}

export interface BrokerParts {
  readonly self: BrokerId
  readonly clusterId: string
  /** shared by the brokers of the cluster */
  readonly secret: ClusterSecret
  readonly image: ClusterImage
  readonly replicas: ServedReplicas
  readonly links: Pick<BrokerLinks, 'call' | 'post'>
  readonly producerIds: Pick<ProducerIds, 'next'>
  readonly groups: GroupCoordinator
  readonly clock: Clock
  /** that cannot be guessed */
  randomBytes(count: number): Uint8Array
  /** 22 characters that no other broker makes */
  makeUuid(): string
  readonly log: Logger
  /** of what whoever reaches the port can cause as often as he likes */
  readonly warnings: RareWarnings
  readonly minInsyncReplicas: (replicaCount: number) => number
  readonly defaults: { readonly partitionCount: number; readonly replicationFactor: number }
  /** the present session; undefined while there is none that is open */
  session(): ServingSession | undefined
}
