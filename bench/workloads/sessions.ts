// Many idle sessions, each with a watch: their memory cost, and whether all of them receive an
// event.

import { setTimeout as delay } from 'node:timers/promises'
import type { Subject } from '../ensemble.ts'
import { type DialectName, RawConnection } from '../raw-connection.ts'
import { keyCount, keyPath } from './zk-load.ts'

export interface SessionsFound {
  /** until all were connected with their watches */
  readonly connectMs: number
  /** of all servers together, per session; undefined if unknown */
  readonly bytesPerSession: number | undefined
  /** received events, for one change of each watched znode */
  readonly events: number
  /** from the first change to the last event */
  readonly eventsMs: number
}

export interface SessionsOptions {
  readonly count: number
  /** idle time, only with pings; longer than the sessions' time-out */
  readonly holdMs: number
  readonly dialect: DialectName
  readonly valueBytes: number
  /** time limit for all watches to fire */
  readonly eventsMs?: number
}

const timeoutMs = 12_000

/** Maximum handshakes in flight. */
const abreast = 200

/** Requires the znodes of `fillKeys`. @throws Error if a session ends meanwhile */
export async function holdSessions(
  subject: Subject,
  options: SessionsOptions,
): Promise<SessionsFound> {
  const { count, dialect } = options
  const before = total(subject)
  const connections: RawConnection[] = []
  let ending = false
  let broken: Error | undefined
  const failed = (error: Error) => {
    if (!ending) broken ??= error
  }
  const connect = async (i: number) => {
    const server = subject.addresses[i % subject.addresses.length]
    if (server === undefined) throw new Error('Cannot connect: no server is given')
    const connection = await RawConnection.connect(server, { dialect, timeoutMs, failed })
    await connection.request({ type: 'getData', path: keyPath(i % keyCount), watch: true })
    connections.push(connection)
  }
  const timer = keepAlive(connections)
  try {
    const beganMs = performance.now()
    let next = 0
    const line = async () => {
      while (next < count) await connect(next++)
    }
    await Promise.all(Array.from({ length: abreast }, line))
    const connectMs = performance.now() - beganMs
    await delay(options.holdMs)
    clearInterval(timer)
    if (broken !== undefined) throw broken
    const after = total(subject)
    const told = await change(connections, options)
    ending = true
    return {
      connectMs,
      bytesPerSession:
        after === undefined || before === undefined ? undefined : (after - before) / count,
      ...told,
    }
  } finally {
    ending = true
    clearInterval(timer)
    for (const connection of connections) connection.close()
  }
}

/** Sends a ping on each connection in every third of the time-out. */
function keepAlive(connections: readonly RawConnection[]): NodeJS.Timeout {
  const parts = 20
  let part = 0
  return setInterval(
    () => {
      for (let i = part; i < connections.length; i += parts) {
        const connection = connections[i]
        if (connection === undefined || connection.outstanding > 0) continue
        connection.send(connection.template({ type: 'exists', path: '/', watch: false }))
        connection.flush()
      }
      part = (part + 1) % parts
    },
    timeoutMs / 3 / parts,
  )
}

async function change(
  connections: readonly RawConnection[],
  { count, valueBytes, eventsMs = 30_000 }: SessionsOptions,
): Promise<{ events: number; eventsMs: number }> {
  let events = 0
  let all: () => void = () => undefined
  const told = new Promise<void>((resolve) => {
    all = resolve
  })
  for (const connection of connections) {
    connection.onEvent = () => {
      events++
      if (events === count) all()
    }
  }
  const [writer] = connections
  if (writer === undefined) throw new Error('Cannot write: there is no session')
  const beganMs = performance.now()
  const data = new Uint8Array(valueBytes)
  for (let key = 0; key < keyCount; key++) {
    writer.send(writer.template({ type: 'setData', path: keyPath(key), data, version: -1 }))
  }
  writer.flush()
  const giveUp = new AbortController()
  await Promise.race([told, delay(eventsMs, undefined, { signal: giveUp.signal })])
  giveUp.abort()
  return { events, eventsMs: performance.now() - beganMs }
}

function total(subject: Subject): number | undefined {
  return subject.memoryMiB()?.reduce((sum, one) => sum + one * 2 ** 20, 0)
}
