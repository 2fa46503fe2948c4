// Very many watches: a hundred sessions with a watch each on every watched znode.

import { setTimeout as delay } from 'node:timers/promises'
import type { Subject } from '../ensemble.ts'
import { pipeline, refuseErrors } from '../pipeline.ts'
import { type DialectName, RawConnection } from '../raw-connection.ts'
import { fillTree, treePath } from './fill-tree.ts'

export const watchers = 100
const timeoutMs = 30_000
const pingMs = timeoutMs / 3
const patienceMs = 60_000
/** Watches that a session asks for at once. */
const abreast = 500

export interface HeldWatches {
  /** of all servers together, per watch; undefined if unknown */
  readonly bytesPerWatch: number | undefined
  /** Sets each watched znode once. @returns events per second until all watches have fired */
  fire(): Promise<number>
  close(): void
}

/** @param count of all watches; their znodes, `count` / `watchers`, must exist: see `fillWatched` */
export async function holdWatches(
  subject: Subject,
  { count, dialect }: { readonly count: number; readonly dialect: DialectName },
): Promise<HeldWatches> {
  const znodes = count / watchers
  let fail: (error: Error) => void = () => undefined
  const broken = new Promise<never>((_, reject) => {
    fail = reject
  })
  broken.catch(() => undefined)
  const connections = await Promise.all(
    Array.from({ length: znodes === 0 ? 0 : watchers }, (_, i) => {
      const server = subject.addresses[i % subject.addresses.length]
      if (server === undefined) throw new Error('Cannot connect: no server is given')
      return RawConnection.connect(server, { dialect, timeoutMs, failed: fail })
    }),
  )
  const before = total(subject)
  const set = connections.map((connection) => watchAll(connection, znodes))
  await Promise.race([broken, Promise.all(set)])
  const after = total(subject)
  const pings = setInterval(() => {
    for (const connection of connections) {
      connection.send(connection.template({ type: 'exists', path: '/', watch: false }))
      connection.flush()
    }
  }, pingMs)
  return {
    bytesPerWatch:
      before === undefined || after === undefined || count === 0
        ? undefined
        : (after - before) / count,
    fire: () => Promise.race([broken, fireAll(connections, znodes)]),
    close: () => {
      clearInterval(pings)
      for (const connection of connections) connection.close()
    },
  }
}

export async function fillWatched(
  subject: Subject,
  options: { readonly most: number; readonly dialect: DialectName; readonly valueBytes: number },
): Promise<void> {
  const { most, dialect, valueBytes } = options
  const to = most / watchers
  await fillTree(subject.addresses, { protocol: dialect, from: 0, to, valueBytes })
}

function watchAll(connection: RawConnection, znodes: number): Promise<void> {
  const reads = Array.from({ length: znodes }, (_, i) => {
    return { type: 'getData', path: treePath(i), watch: true } as const
  })
  return pipeline(connection, reads.values(), { outstanding: abreast, answered: refuseErrors })
}

async function fireAll(connections: readonly RawConnection[], znodes: number): Promise<number> {
  const wanted = connections.length * znodes
  let events = 0
  let all: () => void = () => undefined
  const told = new Promise<void>((resolve) => {
    all = resolve
  })
  for (const connection of connections) {
    connection.onReply = () => undefined
    connection.onTurn = () => undefined
    connection.onEvent = () => {
      events++
      if (events === wanted) all()
    }
  }
  const [writer] = connections
  if (writer === undefined) return Number.NaN
  const beganMs = performance.now()
  const data = new Uint8Array(100)
  for (let i = 0; i < znodes; i++) {
    writer.send(writer.template({ type: 'setData', path: treePath(i), data, version: -1 }))
  }
  writer.flush()
  const giveUp = new AbortController()
  const late = delay(patienceMs, undefined, { signal: giveUp.signal }).then(() => {
    throw new Error(`Only ${events} of ${wanted} watches fired within ${patienceMs} ms`)
  })
  late.catch(() => undefined)
  await Promise.race([told, late])
  giveUp.abort()
  return (wanted / (performance.now() - beganMs)) * 1000
}

function total(subject: Subject): number | undefined {
  return subject.memoryMiB()?.reduce((sum, one) => sum + one * 2 ** 20, 0)
}
