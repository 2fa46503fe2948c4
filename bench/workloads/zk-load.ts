// The load of one connection of a generator: keeps `outstanding` requests in flight, endlessly.

import { Random } from '../../src/random.ts'
import { Histogram } from '../histogram.ts'
import type { RawConnection } from '../raw-connection.ts'

/** Creates come last: they leave a larger tree. */
export const workloadNames = ['set', 'get', 'mix', 'create'] as const
export type WorkloadName = (typeof workloadNames)[number]

/** Descriptions for the report. */
export const workloads: Readonly<Record<WorkloadName, string>> = {
  set: 'setData of one of 1000 znodes',
  get: 'getData of one of 1000 znodes',
  mix: '90 % get, 10 % set',
  create: 'create of a new persistent znode',
}

export const keyCount = 1000
export const root = '/bench'

export function keyPath(key: number): string {
  return `${root}/k${String(key).padStart(4, '0')}`
}

export interface Counters {
  /** answers without an error, and with one */
  done: number
  failed: number
  readonly latency: Histogram
}

export function newCounters(): Counters {
  return { done: 0, failed: 0, latency: new Histogram() }
}

/**
 * Starts the loop on an established connection. It never ends; `counters` may be exchanged
 * meanwhile.
 *
 * @param name unique among all connections to the servers: part of the paths it creates
 */
export function startLoad(
  connection: RawConnection,
  options: {
    readonly workload: WorkloadName
    readonly outstanding: number
    readonly valueBytes: number
    readonly name: string
    readonly seed: number
    readonly counters: () => Counters
  },
): void {
  const { outstanding, counters } = options
  const next = requestsOf(connection, options)
  // Answers come in the order of the requests, so a ring of sending times is enough.
  const sentAt = new Float64Array(outstanding)
  let sent = 0
  let answered = 0

  const fill = () => {
    const now = performance.now()
    while (sent - answered < outstanding) {
      connection.send(next())
      sentAt[sent % outstanding] = now
      sent++
    }
  }
  let now = 0
  let turnBegins = true
  connection.onReply = (err) => {
    // One clock reading per piece of input: its answers arrived together.
    if (turnBegins) now = performance.now()
    turnBegins = false
    const current = counters()
    if (err === 0) current.done++
    else current.failed++
    current.latency.record((now - (sentAt[answered % outstanding] ?? now)) * 1000)
    answered++
  }
  connection.onTurn = () => {
    turnBegins = true
    fill()
  }
  fill()
  connection.flush()
}

/** An endless supply of request frames; each is valid until the next one is taken. */
function requestsOf(
  connection: RawConnection,
  options: {
    readonly workload: WorkloadName
    readonly valueBytes: number
    readonly name: string
    readonly seed: number
  },
): () => Buffer {
  const random = new Random(options.seed)
  const data = random.bytes(options.valueBytes)
  const gets = () =>
    keys((path) => connection.template({ type: 'getData', path, watch: false }), random)
  const sets = () =>
    keys((path) => connection.template({ type: 'setData', path, data, version: -1 }), random)
  switch (options.workload) {
    case 'get':
      return gets()
    case 'set':
      return sets()
    case 'mix': {
      const get = gets()
      const set = sets()
      return () => (random.chance(0.1) ? set() : get())
    }
    case 'create':
      return creates(connection, data, options.name)
  }
}

function keys(template: (path: string) => Buffer, random: Random): () => Buffer {
  const templates = Array.from({ length: keyCount }, (_, key) => template(keyPath(key)))
  return () => random.pick(templates)
}

/** One frame; the last nine digits of its path are incremented in place. */
function creates(connection: RawConnection, data: Uint8Array, name: string): () => Buffer {
  const digits = 9
  const path = `${root}/${name}-${'0'.repeat(digits)}`
  const template = connection.template({ type: 'create', path, data, mode: 'persistent' })
  const end = template.indexOf(path) + path.length
  return () => {
    for (let at = end - 1; at >= end - digits; at--) {
      const digit = (template[at] ?? 0) + 1
      if (digit <= 0x39) {
        template[at] = digit
        break
      }
      template[at] = 0x30
    }
    return template
  }
}
