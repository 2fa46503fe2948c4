// Ensembles for foreign clients: three servers of ours, with every compared feature enabled.

import type { Test } from 'tap'
import { formatAddress } from '../../src/address.ts'
import { untilReady } from '../../src/cli/cluster/cluster-ready.ts'
import { patienceMs, prepareWorld, type World } from '../process/world.ts'
import { superUser } from './operations.ts'

export const clientFlags = [
  '--4lw-commands-whitelist=*',
  '--enforce-quota',
  `--digest-authentication-provider-super-digest=${superUser.digest}`,
] as const

/** The same in ZooKeeper's configuration, and the times of world.ts's clusters. */
export const zooKeeperOptions = {
  config: ['tickTime=250', 'initLimit=40', 'syncLimit=10', 'maxSessionTimeout=40000'],
  javaOptions: [
    ...['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
    '-Dzookeeper.extendedTypesEnabled=true',
    '-Dzookeeper.enforceQuota=true',
    `-Dzookeeper.DigestAuthenticationProvider.superDigest=${superUser.digest}`,
  ],
} as const

/** @param more flags of the servers */
export async function startForClients(t: Test, ...more: readonly string[]): Promise<World> {
  const world = await prepareWorld(t, { servers: 3 })
  for (const server of world.cluster.servers) world.cluster.start(server, ...clientFlags, ...more)
  await untilReady(world.cluster, AbortSignal.timeout(patienceMs))
  return world
}

/** As clients of every language take them: `host:port,host:port`. */
export function connectString({ cluster }: World): string {
  return cluster.serverAddresses.map(formatAddress).join(',')
}
