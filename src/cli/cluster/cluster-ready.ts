// Waits until a started cluster serves: every server has a leader, every broker is registered. A
// member that ends meanwhile is the reason for failure.

import { type TlsClient, tlsClient } from '../../client/tls.ts'
import type { Watcher } from '../../client/zk/watch-registry.ts'
import { ZkClient } from '../../client/zk/zk-client.ts'
import { systemClock } from '../../clock.ts'
import { ZkError } from '../../protocol/error-codes.ts'
import { brokerIdsPath } from '../../protocol/mq/registration.ts'
import type { ServerRole } from '../four-letter-word.ts'
import { askHealth } from '../four-letter-word.ts'
import {
  type Cluster,
  ClusterError,
  type Exit,
  type Member,
  type MemberProgress,
} from './cluster.ts'
import { reasonIn } from './member-log.ts'

/** Servers do not announce that they serve, so they are polled. */
const askAgainMs = 50

/**
 * Emits the cluster's `came` for each member meanwhile.
 *
 * @throws ClusterError when a member ends, or the signal's reason
 */
export async function untilReady(cluster: Cluster, signal: AbortSignal): Promise<void> {
  const startedMs = systemClock.nowMs()
  const came = (member: Member, progress: MemberProgress) => {
    cluster.emit('came', member, progress, systemClock.nowMs() - startedMs)
  }
  const giveUp = new AbortController()
  const either = AbortSignal.any([signal, giveUp.signal])
  const lastErrors = new Map<string, string>()
  const onLine = ({ name }: Member, line: string) => {
    // A program's last line is `Stopped`; the reason was logged before it.
    if (!line.startsWith('{') || /"level":[56]0/.test(line)) lastErrors.set(name, line)
  }
  const onExit = ({ name }: Member, exit: Exit) => {
    const why = reasonIn(lastErrors.get(name))
    giveUp.abort(new ClusterError(`Cannot start the cluster: ${name} ${endOf(exit)}: ${why}`))
  }
  cluster.on('line', onLine)
  cluster.on('exited', onExit)
  try {
    const tls = tlsClient(cluster.tls)
    const serving = cluster.servers.map((server) => untilServing(server, tls, either, came))
    await Promise.all(serving)
    if (cluster.brokers.length > 0) await untilRegistered(cluster, either, came)
  } finally {
    cluster.off('line', onLine)
    cluster.off('exited', onExit)
  }
}

/** 'ended with code 1', 'was ended by SIGKILL' */
export function endOf({ code, signal }: Exit): string {
  return signal === null ? `ended with code ${code}` : `was ended by ${signal}`
}

type Came = (member: Member, progress: MemberProgress) => void

/** Resolves once the server leads or follows. */
async function untilServing(
  server: Member,
  tls: TlsClient | undefined,
  signal: AbortSignal,
  came: Came,
): Promise<void> {
  let last: ServerRole = 'lost'
  for (;;) {
    const { role } = await askHealth(server.address, tls)
    signal.throwIfAborted()
    if (role !== 'lost' && role !== last) came(server, role)
    last = role
    if (role !== 'lost' && role !== 'looking') return
    await pause(askAgainMs, signal)
  }
}

async function untilRegistered(cluster: Cluster, signal: AbortSignal, came: Came): Promise<void> {
  const { tls } = cluster
  const zk = new ZkClient({ servers: cluster.serverAddresses, ...(tls && { tls }) })
  try {
    await abortable(zk.connect(), signal)
    await Promise.all(
      cluster.brokers.map(async (broker) => {
        await untilChildren(zk, brokerIdsPath, [String(broker.id)], signal)
        came(broker, 'registered')
      }),
    )
  } finally {
    await zk.close()
  }
}

/** Resolves once the znode has all of these children; it may not exist yet. */
async function untilChildren(
  zk: ZkClient,
  path: string,
  wanted: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    let changed: Watcher = () => undefined
    const change = new Promise<void>((resolve) => {
      changed = () => resolve()
    })
    try {
      const { children } = await zk.getChildren(path, changed)
      if (wanted.every((name) => children.includes(name))) return
    } catch (error) {
      if (!(error instanceof ZkError) || error.code !== 'NONODE') throw error
      // Its parent may be missing too; exists() watches for the node anyway.
      if ((await zk.exists(path, changed)) !== undefined) continue
    }
    await abortable(change, signal)
  }
}

/** @throws the signal's reason, if it aborts first */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  let onAbort: () => void = () => undefined
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

export async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  try {
    await abortable(
      new Promise((resolve) => {
        timer = setTimeout(resolve, delayMs)
      }),
      signal,
    )
  } finally {
    clearTimeout(timer)
  }
}
