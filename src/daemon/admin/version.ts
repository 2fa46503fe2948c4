// Which version this is, in the words of ZooKeeper: clients and scripts parse them.

import { readFileSync } from 'node:fs'

/** ZooKeeper's version that we behave as: clients choose what they send by it. */
const zooKeeperVersion = '3.9.5'

/** When the version in package.json was released: a test holds it against CHANGELOG.md. */
export const releasedOn = '2026-11-24'

/** `3.9.5-zooweeper-1.2.3, built on 2026-11-24 00:00 UTC` */
export function fullVersion(): string {
  const file = new URL('../../../package.json', import.meta.url)
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string }
  return `${zooKeeperVersion}-zooweeper-${version}, built on ${releasedOn} 00:00 UTC`
}
