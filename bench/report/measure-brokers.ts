// The parts of the report about brokers: records beside Redis and NATS, many partitions, and the start
// on long logs.

import { runPartitions } from '../mq/partitions.ts'
import { measureMq } from '../mq/report.ts'
import { mqTasks } from '../workloads/mq.ts'
import { measureStarts } from '../workloads/start.ts'
import type { Point } from './figures.ts'
import type { PartContext } from './part-context.ts'
import { known } from './rounds.ts'

export function measureQueues({
  brokerPeers,
  plan,
  parent,
  seed,
  print,
}: PartContext): Promise<readonly Point[]> {
  return measureMq(
    {
      ...plan.mq,
      tasks: mqTasks.join(),
      peers: brokerPeers,
      against: undefined,
      batchBytes: 65_536,
      inFlight: 5,
      rate: 10_000,
      nodeOptions: '',
      rounds: plan.rounds,
      seconds: plan.windowMs / 1000,
      warmUp: plan.warmUpMs / 1000,
      dir: parent,
    },
    { seed, print },
  )
}

export async function measurePartitions({
  plan,
  parent,
  print,
}: PartContext): Promise<readonly Point[]> {
  const total = plan.brokerPartitions
  const options = { total, replicas: 3, servers: 1, nodeOptions: '', dir: parent }
  const found = await runPartitions(options, { print, figures: [] })
  const round = known({
    createMs: found.create.ms,
    idlePercent: found.idle.percent && Math.max(...found.idle.percent),
    failoverMs: found.failover.ms,
    led: found.failover.led,
    restartMs: found.restart.ms,
  })
  return [{ labels: { partitions: total }, system: 'ours', rounds: [round] }]
}

export async function measureLogs({ plan, parent, seed }: PartContext): Promise<readonly Point[]> {
  const gigabytes = plan.logGigabytes
  const points: Point[] = []
  const load = { dir: parent, gigabytes, partitions: 10, segmentBytes: 64 * 2 ** 20, seed }
  await measureStarts(load, (after, { openMs, readMs, residentMiB }) => {
    const rounds = [known({ openMs, readMs, residentMiB })]
    points.push({ labels: { after, gigabytes }, system: 'ours', rounds })
  })
  return points
}
