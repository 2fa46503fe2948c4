// A load generator process. Its parent says when to start and to stop counting:
//
//   parent: { type: 'start', ...Load }     → 'ready' once every connection runs its loop
//   parent: { type: 'begin' }              counting starts
//   parent: { type: 'end' }                → 'result', and the process exits

import type { Address } from '../src/address.ts'
import type { FromGenerator, ToGenerator } from './generator-process.ts'
import type { HistogramJson } from './histogram.ts'
import { connect, type ProtocolName } from './load-connection.ts'
import { newCounters, startLoad, startOpenLoad, type WorkloadName } from './workloads/zk-load.ts'

export interface Load {
  readonly servers: readonly Address[]
  readonly protocol: ProtocolName
  readonly workload: WorkloadName
  readonly connections: number
  readonly outstanding: number
  /** requests due per second, of all connections together, in an open loop; undefined: a closed one */
  readonly ratePerSecond?: number | undefined
  readonly valueBytes: number
  /** distinguishes generators and runs on the same servers */
  readonly name: string
  readonly seed: number
}

export interface LoadResult {
  readonly done: number
  readonly failed: number
  readonly elapsedMs: number
  readonly latency: HistogramJson
}

const sessionTimeoutMs = 30_000

let counters = newCounters()
let beganAt = 0
let ending = false

function tell(message: FromGenerator<LoadResult>, then: () => void = () => undefined): void {
  process.send?.(message, then)
}

function failed(error: Error): void {
  if (ending) return
  ending = true
  tell({ type: 'failed', message: error.message }, () => process.exit(1))
}

async function start(load: Load): Promise<void> {
  const { servers, protocol, connections, ratePerSecond, ...rest } = load
  const options = { protocol, timeoutMs: sessionTimeoutMs, failed }
  const open = Array.from({ length: connections }, async (_, i) => {
    const server = servers[i % servers.length]
    if (server === undefined) throw new Error('Cannot connect: no server is given')
    const connection = await connect(server, options)
    return { connection, name: `${load.name}-${i}`, seed: load.seed + i }
  })
  for (const { connection, name, seed } of await Promise.all(open)) {
    const one = { ...rest, name, seed, counters: () => counters }
    if (ratePerSecond === undefined) startLoad(connection, one)
    else startOpenLoad(connection, { ...one, ratePerSecond: ratePerSecond / connections })
  }
  tell({ type: 'ready' })
}

function end(): void {
  ending = true
  const { done, failed, latency } = counters
  const elapsedMs = performance.now() - beganAt
  tell({ type: 'result', done, failed, elapsedMs, latency: latency.toJSON() }, () =>
    process.exit(0),
  )
}

process.on('message', (message: ToGenerator<Load>) => {
  switch (message.type) {
    case 'start':
      start(message).catch(failed)
      return
    case 'begin':
      counters = newCounters()
      beganAt = performance.now()
      return
    case 'end':
      end()
      return
  }
})
process.on('disconnect', () => process.exit(1))
