// What every command that runs a cluster has in common.

import type { Argv } from 'yargs'
import { formatServer } from '../client/servers.ts'
import { countIn } from './cli-command.ts'
import { type Cluster, membersMax } from './cluster.ts'

export function clusterOptions<T>(cli: Argv<T>) {
  return cli
    .option('servers', { type: 'number', default: 3, describe: 'ZooWeeper servers' })
    .option('brokers', { type: 'number', default: 3, describe: 'Mimic Queue brokers' })
    .check(({ servers, brokers }) => {
      countIn('--servers', servers, 1, membersMax)
      countIn('--brokers', brokers, 0, membersMax)
      return true
    })
}

/** `servers 127.0.0.1:2181,… brokers 127.0.0.1:2281,…`, in the form that -s and -b take. */
export function whereabouts(cluster: Cluster): string {
  const servers = cluster.serverAddresses.map(formatServer).join(',')
  const brokers = cluster.brokerAddresses.map(formatServer).join(',')
  return `servers ${servers}${brokers === '' ? '' : `, brokers ${brokers}`}`
}
