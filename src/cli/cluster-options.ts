// What every command that runs a cluster has in common.

import type { Argv } from 'yargs'
import { formatServer } from '../client/servers.ts'
import { wholeNumber } from './cli-command.ts'
import { type Cluster, type Member, type MemberProgress, membersMax } from './cluster.ts'
import { counted } from './make-topic.ts'

export function clusterOptions<T>(cli: Argv<T>, { leastBrokers }: { leastBrokers: number }) {
  return cli
    .option('servers', {
      coerce: wholeNumber('--servers', { min: 1, max: membersMax }),
      default: 3,
      describe: `how many ZooWeeper servers, 1 to ${membersMax}`,
    })
    .option('brokers', {
      coerce: wholeNumber('--brokers', { min: leastBrokers, max: membersMax }),
      default: 3,
      describe: `how many Mimic Queue brokers, ${leastBrokers} to ${membersMax}`,
    })
}

/** '3 servers and 1 broker' */
export function sizeOf({ servers, brokers }: Cluster): string {
  const ensemble = counted(servers.length, 'server')
  return brokers.length === 0 ? ensemble : `${ensemble} and ${counted(brokers.length, 'broker')}`
}

/** `server-2 leads after 1.6 s` */
export function progressText({ name }: Member, progress: MemberProgress, afterMs: number): string {
  return `${name} ${progressTexts[progress]} after ${(afterMs / 1000).toFixed(1)} s`
}

const progressTexts: Readonly<Record<MemberProgress, string>> = {
  looking: 'is up and looks for a leader',
  leader: 'leads',
  follower: 'follows',
  observer: 'observes',
  standalone: 'serves alone',
  registered: 'is registered',
}

/** `servers 127.0.0.1:2181,… brokers 127.0.0.1:2281,…`, in the form that -s and -b take. */
export function whereabouts(cluster: Cluster): string {
  const servers = cluster.serverAddresses.map(formatServer).join(',')
  const brokers = cluster.brokerAddresses.map(formatServer).join(',')
  return `servers ${servers}${brokers === '' ? '' : `, brokers ${brokers}`}`
}
