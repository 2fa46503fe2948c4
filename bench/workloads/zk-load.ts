// The load of one connection of a generator: a closed loop, which keeps `outstanding` requests in
// flight, or an open one, whose requests are due at a fixed rate.

import { Random } from '../../src/random.ts'
import { Histogram } from '../histogram.ts'
import type { LoadConnection } from '../load-connection.ts'
import { keeperRequests } from './keeper.ts'

/** Creates come last: they leave a larger tree. */
export const workloadNames = ['set', 'get', 'mix', 'keeper', 'create'] as const
export type WorkloadName = (typeof workloadNames)[number]

/** Descriptions for the report. */
export const workloads: Readonly<Record<WorkloadName, string>> = {
  set: 'setData of one of 1000 znodes',
  get: 'getData of one of 1000 znodes',
  mix: '90 % get, 10 % set',
  keeper: 'reads, lists, sets, multis and watches by weight',
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

interface LoadOptions {
  readonly workload: WorkloadName
  readonly valueBytes: number
  /** unique among all connections to the servers: part of the paths it creates */
  readonly name: string
  readonly seed: number
  readonly counters: () => Counters
}

/**
 * Starts a closed loop on an established connection: `outstanding` requests are kept on the way. It
 * never ends; `counters` may be exchanged meanwhile.
 */
export function startLoad(
  connection: LoadConnection,
  options: LoadOptions & { readonly outstanding: number },
): void {
  const next = requestsOf(connection, options)
  const fill = () => {
    const now = performance.now()
    while (connection.outstanding < options.outstanding) connection.send(next(), now)
  }
  countReplies(connection, options.counters, fill)
  fill()
  connection.flush()
}

/** Requests that an open loop may have on the way; those that are due beyond it wait, and are late. */
const openOutstandingMax = 10_000
/** How often an open loop looks which requests are due. */
const openTickMs = 1

/**
 * Starts an open loop: requests are due at a fixed rate whether or not earlier ones are answered. The
 * latency of each counts from when it was due, so that a stall is seen by all that were due
 * meanwhile (no coordinated omission). It ends with its timer.
 */
export function startOpenLoad(
  connection: LoadConnection,
  options: LoadOptions & { readonly ratePerSecond: number },
): NodeJS.Timeout {
  const next = requestsOf(connection, options)
  const periodMs = 1000 / options.ratePerSecond
  // Connections that begin together do not send together.
  const beginMs = performance.now() + new Random(options.seed).next() * periodMs
  let sent = 0
  const sendDue = () => {
    const now = performance.now()
    while (connection.outstanding < openOutstandingMax) {
      const dueMs = beginMs + sent * periodMs
      if (dueMs > now) break
      connection.send(next(), dueMs)
      sent++
    }
    connection.flush()
  }
  countReplies(connection, options.counters, () => undefined)
  return setInterval(sendDue, openTickMs)
}

/** Counts each answer with its latency from its mark on; `answered` follows those of one turn. */
function countReplies(
  connection: LoadConnection,
  counters: () => Counters,
  answered: () => void,
): void {
  let now = 0
  let turnBegins = true
  connection.onReply = (err, mark) => {
    // One clock reading per piece of input: its answers arrived together.
    if (turnBegins) now = performance.now()
    turnBegins = false
    const current = counters()
    if (err === 0) current.done++
    else current.failed++
    current.latency.record((now - mark) * 1000)
  }
  connection.onTurn = () => {
    turnBegins = true
    answered()
  }
}

/** An endless supply of request frames; each is valid until the next one is taken. */
function requestsOf(connection: LoadConnection, options: LoadOptions): () => Buffer {
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
    case 'keeper': {
      const paths = Array.from({ length: keyCount }, (_, key) => keyPath(key))
      const churnPath = `${root}/${options.name}`
      return keeperRequests(connection, { paths, churnPath, data, random })
    }
  }
}

function keys(template: (path: string) => Buffer, random: Random): () => Buffer {
  const templates = Array.from({ length: keyCount }, (_, key) => template(keyPath(key)))
  return () => random.pick(templates)
}

/** One frame; the last nine digits of its path are incremented in place. */
function creates(connection: LoadConnection, data: Uint8Array, name: string): () => Buffer {
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
