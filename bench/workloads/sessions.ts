// Many sessions that do nothing but be there, each with a watch: what they cost in memory, and whether
// all of them are told when something happens.

import { setTimeout as delay } from 'node:timers/promises'
import type { Subject } from '../ensemble.ts'
import { type DialectName, RawConnection } from '../raw-connection.ts'
import { keyCount, keyPath } from './zk-load.ts'

export interface SessionsFound {
  /** until all were there with their watches */
  readonly connectMs: number
  /** of all servers together, by the number of sessions; undefined where it cannot be known */
  readonly bytesPerSession: number | undefined
  /** that were told, of one change to each watched znode */
  readonly events: number
  /** from the first change until the last one was told */
  readonly eventsMs: number
}

export interface SessionsOptions {
  readonly count: number
  /** of silence but for pings; longer than the sessions' time-out */
  readonly holdMs: number
  readonly dialect: DialectName
  readonly valueBytes: number
  /** the longest that may pass until every watch has fired */
  readonly eventsMs?: number
}

const timeoutMs = 12_000

/** How many handshakes are on the way at once. */
const abreast = 200

/** Needs the znodes of `fillKeys`. @throws Error if a session ends meanwhile */
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
    if (server === undefined) throw new Error('There is no server to connect to')
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

/** Something of each in every third of the time-out. */
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
  if (writer === undefined) throw new Error('There is no session')
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
