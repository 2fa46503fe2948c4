// Options and texts shared by the commands that run a cluster.

import type { Argv } from 'yargs'
import { formatAddress } from '../../address.ts'
import { wholeNumber } from '../cli-command.ts'
import { counted } from '../make-topic.ts'
import { type Cluster, type Member, type MemberProgress, membersMax } from './cluster.ts'

export function clusterOptions<T>(cli: Argv<T>, { leastBrokers }: { leastBrokers: number }) {
  return cli
    .option('servers', {
      coerce: wholeNumber('--servers', { min: 1, max: membersMax }),
      default: 3,
      describe: `number of ZooWeeper servers, 1 to ${membersMax}`,
    })
    .option('brokers', {
      coerce: wholeNumber('--brokers', { min: leastBrokers, max: membersMax }),
      default: 3,
      describe: `number of Mimic Queue brokers, ${leastBrokers} to ${membersMax}`,
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
  looking: 'is up, looking for a leader',
  leader: 'leads',
  follower: 'follows',
  observer: 'observes',
  standalone: 'serves alone',
  registered: 'is registered',
}

/** `servers 127.0.0.1:2181,… brokers 127.0.0.1:2281,…`, in the format of -s and -b. */
export function whereabouts(cluster: Cluster): string {
  const servers = cluster.serverAddresses.map(formatAddress).join(',')
  const brokers = cluster.brokerAddresses.map(formatAddress).join(',')
  return `servers ${servers}${brokers === '' ? '' : `, brokers ${brokers}`}`
}
