// The coordination services under comparison, by name: how each is started, which protocol its load
// speaks, and which version it is.

import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { BenchEnsemble, type StartedSubject } from '../ensemble.ts'
import { RealEtcd } from '../etcd/real-etcd.ts'
import type { ProtocolName } from '../load-connection.ts'
import { programProblem } from '../mq/systems.ts'
import { RealZooKeeper, realZooKeeperProblem, zooKeeperJar } from '../real-zookeeper.ts'
import { commit } from '../report.ts'

export const systemNames = ['ours', 'zookeeper', 'etcd'] as const
export type SystemName = (typeof systemNames)[number]

/** Those that a report measures beside ours, unless it is told which. */
export const systemsDefault = 'zookeeper,etcd'

export interface SystemKind {
  readonly name: SystemName
  readonly protocol: ProtocolName
  /** @returns why it cannot run on this machine, or undefined */
  readonly problem: () => string | undefined
  readonly version: () => string
  readonly start: (parent: string, options: { readonly size: number }) => Promise<StartedSubject>
}

export const systemKinds: Readonly<Record<SystemName, SystemKind>> = {
  ours: {
    name: 'ours',
    protocol: 'jute',
    problem: () => undefined,
    version: commit,
    // Elections are read from its log: see workloads/failover.ts.
    start: (parent, { size }) => BenchEnsemble.start(size, parent, { logLevel: 'info' }),
  },
  zookeeper: {
    name: 'zookeeper',
    protocol: 'jute',
    problem: realZooKeeperProblem,
    version: () => {
      // Beside the jar is a link to it, whose name has the version.
      const names = readdirSync(dirname(zooKeeperJar)).map((name) =>
        /^zookeeper-([\d.]+)\.jar$/.exec(name),
      )
      return names.find((found) => found !== null)?.[1] ?? 'unknown'
    },
    // A million znodes need more than the heap of its own start script.
    start: (parent, { size }) => RealZooKeeper.start(parent, { size, javaOptions: ['-Xmx2500m'] }),
  },
  etcd: {
    name: 'etcd',
    protocol: 'etcd',
    problem: () => {
      const problem = programProblem('etcd', '--version')
      return problem && 'etcd is missing: install the Debian package etcd-server'
    },
    version: () => {
      const said = execFileSync('etcd', ['--version'], { encoding: 'utf8', stdio: 'pipe' })
      return /etcd Version: (\S+)/.exec(said)?.[1] ?? 'unknown'
    },
    start: (parent, { size }) => RealEtcd.start(parent, { size }),
  },
}

/** Starts all of them, uses them, and stops those that were started. */
export async function withSystems<Result>(
  kinds: readonly SystemKind[],
  { size, parent }: { readonly size: number; readonly parent: string },
  use: (started: ReadonlyMap<SystemKind, StartedSubject>) => Promise<Result>,
): Promise<Result> {
  const started = new Map<SystemKind, StartedSubject>()
  try {
    for (const kind of kinds) started.set(kind, await kind.start(parent, { size }))
    return await use(started)
  } finally {
    for (const subject of started.values()) await subject.stop()
  }
}
