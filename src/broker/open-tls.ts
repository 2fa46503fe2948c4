// The key and trust stores of a broker, read at start: for its port and its links to other brokers, and
// for its connection to ZooWeeper.

import { invariant } from '../invariant.ts'
import type { Credentials, CredentialsParts } from '../protocol/tls/credentials.ts'
import type { TlsDial, TlsPort } from '../protocol/tls/ends.ts'
import type { TlsSettings } from '../protocol/tls/settings.ts'
import type { World } from '../world.ts'
import type { BrokerConfig } from './config.ts'

/** @throws RefusedStartError */
export type ReadCredentials = (parts: CredentialsParts) => Credentials

export interface OpenTls {
  /** undefined: the port takes plaintext only */
  readonly port: TlsPort | undefined
  /** to other brokers that speak TLS */
  readonly links: TlsDial | undefined
  readonly zooKeeper: TlsDial | undefined
  /** Reads changed files again; undefined where there are none. */
  readonly reload: (() => void) | undefined
}

/** @throws RefusedStartError */
export function openTls(options: {
  readonly config: Pick<BrokerConfig, 'tls' | 'zooKeeperTls'>
  readonly world: World
  readonly readCredentials?: ReadCredentials
}): OpenTls {
  const { config, world, readCredentials } = options
  const { tls, zooKeeperTls } = config
  const { clock, logger } = world
  const all: Credentials[] = []
  const open = (settings: TlsSettings): Credentials => {
    invariant(readCredentials !== undefined, 'a program that takes the name of a store can read it')
    const credentials = readCredentials({ settings, wallMs: () => clock.wallMs(), logger })
    all.push(credentials)
    return credentials
  }
  const zooKeeper = zooKeeperTls && {
    credentials: open(zooKeeperTls.settings),
    verifiesHost: zooKeeperTls.verifiesHost,
  }
  const reloadAll = (): void => {
    for (const credentials of all) credentials.maybeReload()
  }
  const reload = tls === undefined && zooKeeper === undefined ? undefined : reloadAll
  if (tls === undefined) return { port: undefined, links: undefined, zooKeeper, reload }
  const { settings, takesPlaintext, verifiesHost } = tls
  const { clientAuth, verifiesClientHost, detectionMs } = settings
  const credentials = open(settings)
  return {
    port: { credentials, clientAuth, verifiesClientHost, detectionMs, takesPlaintext },
    links: { credentials, verifiesHost },
    zooKeeper,
    reload,
  }
}
