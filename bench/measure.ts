// One measurement: generators warm up and are then counted, together with the servers' CPU time.

import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Address } from '../src/address.ts'
import { errorCodes } from '../src/protocol/error-codes.ts'
import type { Load, LoadResult } from './generator.ts'
import { type FromGenerator, GeneratorProcess, type ToGenerator } from './generator-process.ts'
import { Histogram } from './histogram.ts'
import { connect, type ProtocolName } from './load-connection.ts'
import { pipeline, refuseErrors } from './pipeline.ts'
import { listLength, listRoot } from './workloads/keeper.ts'
import { keyCount, keyPath, root } from './workloads/zk-load.ts'

/** Requests of `fillKeys` on the way: few enough for values of 100 000 B. */
const fillOutstanding = 16

const generatorProgram = fileURLToPath(new URL('./generator.ts', import.meta.url))

export interface Measurement {
  readonly perSecond: number
  readonly failed: number
  /** of all servers together, per operation */
  readonly cpuMicros: number | undefined
  readonly latency: Histogram
}

export interface MeasureOptions {
  readonly load: Omit<Load, 'name'>
  readonly generators: number
  readonly warmUpMs: number
  readonly windowMs: number
  /** part of the paths of new znodes; unique per ensemble */
  readonly name: string
  /** CPU time used by all servers so far */
  readonly cpuMicros: () => number | undefined
}

export async function measure(options: MeasureOptions): Promise<Measurement> {
  const { load, cpuMicros } = options
  const generators = shares(load.connections, options.generators).map((connections, i) => {
    // Each starts with another server, so that the connections spread evenly.
    const servers = load.servers.map(
      (_, s) => load.servers[(s + i) % load.servers.length] as Address,
    )
    const name = `${options.name}-${i}`
    const seed = load.seed + i * 10_000
    const ratePerSecond =
      load.ratePerSecond && (load.ratePerSecond * connections) / load.connections
    const own = { servers, connections, ratePerSecond, name, seed }
    const first = { type: 'start', ...load, ...own } as const
    return new GeneratorProcess<ToGenerator<Load>, FromGenerator<LoadResult>>(
      generatorProgram,
      first,
    )
  })
  try {
    await Promise.all(generators.map((generator) => generator.next('ready')))
    await Promise.race([delay(options.warmUpMs), ...generators.map(({ broken }) => broken)])
    const before = cpuMicros()
    for (const generator of generators) generator.tell({ type: 'begin' })
    await Promise.race([delay(options.windowMs), ...generators.map(({ broken }) => broken)])
    const after = cpuMicros()
    for (const generator of generators) generator.tell({ type: 'end' })
    const results = await Promise.all(generators.map((generator) => generator.next('result')))

    const latency = new Histogram()
    let answers = 0
    let failed = 0
    let perSecond = 0
    for (const result of results) {
      latency.add(Histogram.fromJSON(result.latency))
      answers += result.done + result.failed
      failed += result.failed
      perSecond += (result.done / result.elapsedMs) * 1000
    }
    const used = before === undefined || after === undefined ? undefined : after - before
    return { perSecond, failed, latency, cpuMicros: used && used / answers }
  } finally {
    for (const generator of generators) generator.kill()
  }
}

/** Splits `total` into `count` parts that differ by at most one; none is empty. */
function shares(total: number, count: number): number[] {
  const parts = Math.min(total, count)
  return Array.from(
    { length: parts },
    (_, i) => Math.floor(total / parts) + (i < total % parts ? 1 : 0),
  )
}

/** The znodes used by set, get and lists, with values of their final size. */
export async function fillKeys(
  server: Address,
  {
    valueBytes,
    protocol = 'native',
  }: { readonly valueBytes: number; readonly protocol?: ProtocolName },
): Promise<void> {
  let broken: (error: Error) => void = () => undefined
  const lost = new Promise<never>((_, reject) => {
    broken = reject
  })
  lost.catch(() => undefined)
  const connection = await connect(server, { protocol, timeoutMs: 30_000, failed: broken })
  const data = new Uint8Array(valueBytes)
  const paths = [
    root,
    ...Array.from({ length: keyCount }, (_, key) => keyPath(key)),
    listRoot,
    ...Array.from({ length: listLength }, (_, child) => `${listRoot}/${child}`),
  ]
  const fill = async () => {
    const existing: string[] = []
    const creates = paths.map(
      (path) => ({ type: 'create', path, data, mode: 'persistent' }) as const,
    )
    await pipeline(connection, creates.values(), {
      outstanding: fillOutstanding,
      answered: (err, index) => {
        if (err === errorCodes.NODEEXISTS) existing.push(paths[index] ?? root)
        else refuseErrors(err)
      },
    })
    const sets = existing.map((path) => ({ type: 'setData', path, data, version: -1 }) as const)
    await pipeline(connection, sets.values(), {
      outstanding: fillOutstanding,
      answered: refuseErrors,
    })
    await connection.request({ type: 'sync', path: root })
    await connection.request({ type: 'closeSession' })
  }
  try {
    await Promise.race([fill(), lost])
  } finally {
    connection.close()
  }
}
