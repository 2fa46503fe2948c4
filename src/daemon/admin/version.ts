// Which version this is, in the words of ZooKeeper: clients and scripts parse them.

import { packageVersion } from '../../package-version.ts'

/** ZooKeeper's version that we behave as: clients choose what they send by it. */
const zooKeeperVersion = '3.9.5'

/** When the version in package.json was released: a test holds it against CHANGELOG.md. */
export const releasedOn = '2026-11-24'

/** `3.9.5-zooweeper-1.2.3, built on 2026-11-24 00:00 UTC` */
export function fullVersion(): string {
  return `${zooKeeperVersion}-zooweeper-${packageVersion()}, built on ${releasedOn} 00:00 UTC`
}
