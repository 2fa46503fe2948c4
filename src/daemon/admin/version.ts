// The version of this server in ZooKeeper's format, which clients and scripts parse.

import { packageVersion } from '../../package-version.ts'

/** The ZooKeeper version whose behaviour is implemented: clients adapt their requests to it. */
const zooKeeperVersion = '3.9.5'

/** The release date of the version in package.json: a test compares it with CHANGELOG.md. */
export const releasedOn = '2026-11-29'

/** `3.9.5-zooweeper-1.2.3, built on 2026-11-29 00:00 UTC` */
export function fullVersion(): string {
  return `${zooKeeperVersion}-zooweeper-${packageVersion()}, built on ${releasedOn} 00:00 UTC`
}
