// The parts of a broker that its apis use.

import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'
import type { RareWarnings } from '../../rare-warnings.ts'
import type { ClusterImage } from '../cluster/cluster-image.ts'
import type { BrokerLinks } from '../replication/broker-links.ts'
import type { ReplicaManager } from '../replication/replica-manager.ts'
import type { ProducerIds } from '../session/producer-ids.ts'
import type { BrokerSession } from '../session/session.ts'

export interface BrokerParts {
  readonly self: BrokerId
  readonly clusterId: string
  readonly image: ClusterImage
  readonly replicas: ReplicaManager
  readonly links: BrokerLinks
  readonly producerIds: ProducerIds
  readonly clock: Clock
  /** 22 characters that no other broker makes */
  makeUuid(): string
  readonly log: Logger
  /** of what whoever reaches the port can cause as often as he likes */
  readonly warnings: RareWarnings
  readonly minInsyncReplicas: (replicaCount: number) => number
  readonly defaults: { readonly partitionCount: number; readonly replicationFactor: number }
  /** the present session; undefined while there is none that is open */
  session(): BrokerSession | undefined
}
