// A broker's entry into the cluster: the znodes that all brokers share, the cluster's id, and the
// broker's own ephemeral /brokers/ids/N, whose czxid is its broker epoch in this life.

import { formatAddress } from '../../address.ts'
import type { Clock } from '../../clock.ts'
import { objectOf } from '../../json.ts'
import type { Logger } from '../../logger.ts'
import { ZkError } from '../../protocol/error-codes.ts'
import { aclRoots } from '../../protocol/mq/acls.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'
import {
  encodeRegistration,
  type Registration,
  registeredAddress,
} from '../../protocol/mq/registration.ts'
import type { Acl } from '../../protocol/records.ts'
import { RefusedStartError } from '../../refused-start.ts'
import type { ZkAccess } from '../cluster/zk-access.ts'
import { zkPaths } from '../cluster/zk-paths.ts'

/** Interval at which a broker that waits for its id logs so. */
const reminderMs = 5000

const sharedNodes = [
  { path: zkPaths.cluster, data: null },
  { path: zkPaths.brokers, data: null },
  { path: zkPaths.brokerIds, data: null },
  { path: zkPaths.topics, data: null },
  { path: zkPaths.deleted, data: null },
  { path: zkPaths.reports, data: null },
  { path: zkPaths.marks, data: null },
  { path: zkPaths.config, data: null },
  { path: zkPaths.configTopics, data: null },
  { path: zkPaths.configBrokers, data: null },
  { path: zkPaths.controllerEpoch, data: '0' },
]

/**
 * Creates the missing znodes among those that all brokers share, parents first, and sets the
 * brokers' ACL on each, even if another client created it. The chroot keeps its ACL.
 *
 * @throws ForeignClusterError if the znodes belong to brokers with another secret
 */
export async function makeSharedNodes(zk: ZkAccess, acl: readonly Acl[]): Promise<void> {
  await zk.createChroot()
  for (const { path, data } of sharedNodes) await makeProtected(zk, path, data, acl)
}

/** The same for the znodes that rules of access lie below. @throws ForeignClusterError */
export async function makeAclNodes(zk: ZkAccess, acl: readonly Acl[]): Promise<void> {
  for (const path of aclRoots) await makeProtected(zk, path, null, acl)
}

async function makeProtected(
  zk: ZkAccess,
  path: string,
  data: string | null,
  acl: readonly Acl[],
): Promise<void> {
  await createIfMissing(zk, path, data)
  await protect(zk, path, acl)
}

/** The cluster's brokers have another secret. */
export class ForeignClusterError extends RefusedStartError {
  override readonly name = 'ForeignClusterError'
}

async function protect(zk: ZkAccess, path: string, acl: readonly Acl[]): Promise<void> {
  for (;;) {
    try {
      const found = await zk.getACL(path)
      if (aclText(found.acl) === aclText(acl)) return
      await zk.setACL(path, acl, found.stat.aversion)
      return
    } catch (error) {
      const code = error instanceof ZkError ? error.code : undefined
      if (code === 'BADVERSION' || code === 'CONNECTIONLOSS') continue
      if (code !== 'NOAUTH') throw error
      const found = `${path} belongs to brokers with another secret: give this broker their secret file`
      throw new ForeignClusterError(`Cannot join the cluster: ${found}`, { cause: error })
    }
  }
}

/** Equal for lists with the same entries. */
function aclText(acl: readonly Acl[]): string {
  const entries = acl.map(({ perms, scheme, id }) => `${scheme}:${id}:${perms}`)
  return entries.sort().join(' ')
}

/**
 * The cluster's id: 22 characters, a UUID in base64url. The first broker of a cluster writes it.
 *
 * @param ownId the id to write if there is none
 */
export async function readClusterId(zk: ZkAccess, ownId: string): Promise<string> {
  const own = JSON.stringify({ version: '1', id: ownId })
  await createIfMissing(zk, zkPaths.clusterId, own)
  const { data } = await zk.getData(zkPaths.clusterId)
  const { id } = objectOf(data)
  if (typeof id === 'string' && id !== '') return id
  throw new Error(`Cannot join the cluster: ${zkPaths.clusterId} holds no id`)
}

interface RegistrationOptions {
  readonly zk: ZkAccess
  readonly id: BrokerId
  /** called after `prepare` */
  readonly registration: () => Registration
  readonly clock: Clock
  readonly log: Logger
  /** how long to wait for an earlier registration of this id to end */
  readonly patienceMs: number
  /** Called when no earlier registration is left, before this one is written. */
  readonly prepare: () => Promise<void>
}

/**
 * Registers this broker, waiting for its earlier session to end if there is one.
 *
 * @returns the broker epoch
 * @throws BrokerError INVALID_REQUEST when the id stays taken, ZkError when the session fails
 */
export async function register(options: RegistrationOptions): Promise<number> {
  const { zk, id, registration, clock, log, patienceMs, prepare } = options
  const path = zkPaths.brokerId(id)
  const startMs = clock.nowMs()
  for (;;) {
    let hasChanged: () => void = () => undefined
    const changed = new Promise<void>((resolve) => {
      hasChanged = resolve
    })
    const stat = await zk.exists(path, hasChanged)
    if (stat === undefined) {
      await prepare()
      try {
        const data = encodeRegistration(registration(), clock.wallMs())
        return (await zk.create(path, data, { mode: 'ephemeral' })).stat.czxid
      } catch (error) {
        if (!(error instanceof ZkError)) throw error
        // After a lost connection the znode may exist and be ours.
        if (error.code !== 'NODEEXISTS' && error.code !== 'CONNECTIONLOSS') throw error
      }
      continue
    }
    if (stat.ephemeralOwner === zk.sessionId) return stat.czxid
    const holder = await holderOf(zk, path)
    const patienceLeftMs = startMs + patienceMs - clock.nowMs()
    if (patienceLeftMs <= 0) {
      const found = `it is registered by ${holder}: give this broker another id, or stop that one`
      throw new BrokerError('INVALID_REQUEST', `Cannot use broker id ${id}: ${found}`)
    }
    const facts = { id, holder, session: `0x${stat.ephemeralOwner.toString(16)}` }
    log.info(facts, 'Waiting for an earlier session of this broker id to end')
    const cancel = clock.after(Math.min(reminderMs, patienceLeftMs), hasChanged)
    await changed
    cancel()
  }
}

async function holderOf(zk: ZkAccess, path: string): Promise<string> {
  try {
    const address = registeredAddress((await zk.getData(path)).data)
    return address === undefined ? 'a broker with an unknown address' : formatAddress(address)
  } catch (error) {
    if (error instanceof ZkError && error.code === 'NONODE') return 'a broker that has just left'
    throw error
  }
}

async function createIfMissing(zk: ZkAccess, path: string, data: string | null): Promise<void> {
  for (;;) {
    try {
      await zk.create(path, data)
      return
    } catch (error) {
      const code = error instanceof ZkError ? error.code : undefined
      if (code === 'NODEEXISTS') return
      // The outcome is unknown: if the znode was created, the next attempt finds it.
      if (code !== 'CONNECTIONLOSS') throw error
    }
  }
}
