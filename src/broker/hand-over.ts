// A planned stop. The broker announces that it leaves, and waits until replicas of other brokers lead
// what it leads, as far as they can, so that clients only have to refresh their metadata.
//
// The controller does the rest: it prefers replicas of brokers that stay (controller/controller.ts).

import type { Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import type { BrokerId } from '../protocol/mq/messages.ts'
import type { ClusterImage } from './cluster/cluster-image.ts'
import type { Member } from './partition/partition-state.ts'
import type { Replica } from './replication/replica.ts'
import type { BrokerSession } from './session/session.ts'

/** How long the broker waits for others to lead its partitions. */
const waitMsMax = 10_000
/** Of that, how long ZooWeeper may take to learn that the broker leaves. */
const leaveMsMax = 2000
/** Interval between looks at what this broker still leads. */
const checkMs = 20

interface HandOver {
  readonly self: BrokerId
  readonly image: ClusterImage
  /** all replicas of the broker */
  readonly replicas: () => Iterable<Replica>
  readonly session: BrokerSession
  readonly clock: Clock
  readonly log: Logger
}

/** Resolves when nothing is left to hand over, or when waiting longer has no use. */
export async function handOver(work: HandOver): Promise<void> {
  const { session, clock, log } = work
  if (session.membership === undefined || !canHandOver(work)) return
  const deadlineMs = clock.nowMs() + waitMsMax
  const pause = (ms: number) => new Promise<void>((resolve) => clock.after(ms, resolve))
  try {
    const hasLeft = session.leave().then(() => true)
    const isLate = pause(leaveMsMax).then(() => false)
    if (!(await Promise.race([hasLeft, isLate]))) return
  } catch (error) {
    log.warn({ err: (error as Error).message }, 'Could not hand the partitions over')
    return
  }
  while (session.membership !== undefined && canHandOver(work)) {
    if (clock.nowMs() >= deadlineMs) {
      log.warn({}, 'Stopping although some partitions were not handed over')
      return
    }
    await pause(checkMs)
  }
}

/** Whether the broker leads a partition that a replica elsewhere can lead. */
function canHandOver({ self, image, replicas }: HandOver): boolean {
  for (const { role, topic, topicId, partition } of replicas()) {
    if (role.type !== 'leading') continue
    const isAble = ({ broker, brokerEpoch, isAwaited }: Member) => {
      if (broker === self || isAwaited || image.isLeaving(broker)) return false
      const isAlive = image.brokers.get(broker)?.epoch === brokerEpoch
      return isAlive && image.unavailable({ topicId, partition, broker }) === undefined
    }
    if (image.state(topic, partition)?.isr.some(isAble) === true) return true
  }
  return false
}
