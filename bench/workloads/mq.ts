// Logs of records side by side: each case runs on every system in turn, round after round, by the same
// generator program. The systems of a case start together and end together; a case finds them empty.

import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type FromGenerator, GeneratorProcess, type ToGenerator } from '../generator-process.ts'
import { Histogram } from '../histogram.ts'
import type { MqLoad, MqLoadResult, MqTask } from '../mq/generator.ts'
import type { MqSystem, StartSystem } from '../mq/systems.ts'
import { settleDisk } from '../processes.ts'
import { median } from './compare.ts'

const generatorProgram = fileURLToPath(new URL('../mq/generator.ts', import.meta.url))

export interface MqCase {
  readonly recordBytes: number
  readonly partitions: number
  readonly task: MqTask
}

export interface MqOptions {
  readonly systems: ReadonlyMap<string, StartSystem>
  readonly rounds: number
  readonly warmUpMs: number
  readonly windowMs: number
  /** directory of the systems' data */
  readonly directory: string
  readonly seed: number
  /** A measurement failed; the others go on. */
  readonly brokenOff: (system: string, error: Error) => void
}

export interface MqMeasured {
  readonly perSecond: number
  readonly failed: number
  readonly p50: number
  readonly p99: number
  readonly p999: number
  /** of all processes of the system together */
  readonly cpuMicrosPerRecord: number | undefined
  readonly cpuMicrosPerBatch: number | undefined
}

/** @returns every round, by the systems' names */
export async function measureCase(
  what: MqCase,
  options: MqOptions,
): Promise<ReadonlyMap<string, readonly MqMeasured[]>> {
  const { systems, directory, rounds } = options
  const started = new Map<string, MqSystem>()
  try {
    for (const [name, start] of systems) started.set(name, await start(directory))
    const found = new Map([...started.keys()].map((name) => [name, [] as MqMeasured[]]))
    for (let round = 0; round < rounds; round++) {
      // The order changes from round to round, so that none always has the quieter part.
      const order = [...started]
      for (let i = 0; i < round; i++) order.push(...order.splice(0, 1))
      for (const [name, system] of order) {
        const topic = `bench-${round}`
        try {
          settleDisk(directory)
          await system.createTopic(topic, what.partitions)
          found.get(name)?.push(await measureOnce(system, { what, topic, options }))
        } catch (error) {
          options.brokenOff(name, error as Error)
        }
      }
    }
    return found
  } finally {
    for (const system of started.values()) await system.stop()
  }
}

async function measureOnce(
  system: MqSystem,
  run: { readonly what: MqCase; readonly topic: string; readonly options: MqOptions },
): Promise<MqMeasured> {
  const { what, topic, options } = run
  const generator = new GeneratorProcess<ToGenerator<MqLoad>, FromGenerator<MqLoadResult>>(
    generatorProgram,
    {
      type: 'start',
      ...what,
      system: system.kind,
      addresses: system.addresses,
      topic,
      seed: options.seed,
    },
  )
  try {
    await generator.next('ready')
    await Promise.race([delay(options.warmUpMs), generator.broken])
    const before = system.cpuMicros()
    generator.tell({ type: 'begin' })
    await Promise.race([delay(options.windowMs), generator.broken])
    const after = system.cpuMicros()
    generator.tell({ type: 'end' })
    const { records, batches, failed, elapsedMs, latency } = await generator.next('result')
    const histogram = Histogram.fromJSON(latency)
    const used = before === undefined || after === undefined ? undefined : after - before
    return {
      perSecond: (records / elapsedMs) * 1000,
      failed,
      p50: histogram.percentile(50),
      p99: histogram.percentile(99),
      p999: histogram.percentile(99.9),
      cpuMicrosPerRecord: used && used / records,
      cpuMicrosPerBatch: used && used / batches,
    }
  } finally {
    generator.kill()
  }
}

/** Medians over the rounds. */
export function middle(measured: readonly MqMeasured[]): MqMeasured {
  const of = (pick: (one: MqMeasured) => number) => median(measured.map(pick))
  const ofKnown = (pick: (one: MqMeasured) => number | undefined) => {
    const known = measured.map(pick).filter((one) => one !== undefined)
    return known.length === 0 ? undefined : median(known)
  }
  return {
    perSecond: of(({ perSecond }) => perSecond),
    failed: measured.reduce((sum, { failed }) => sum + failed, 0),
    p50: of(({ p50 }) => p50),
    p99: of(({ p99 }) => p99),
    p999: of(({ p999 }) => p999),
    cpuMicrosPerRecord: ofKnown(({ cpuMicrosPerRecord }) => cpuMicrosPerRecord),
    cpuMicrosPerBatch: ofKnown(({ cpuMicrosPerBatch }) => cpuMicrosPerBatch),
  }
}

export const mqTasks = ['produce', 'single', 'consume', 'endToEnd'] as const
export type MqTaskName = (typeof mqTasks)[number]

export interface CaseOptions {
  readonly tasks: readonly MqTaskName[]
  readonly recordBytes: readonly number[]
  readonly partitions: readonly number[]
  readonly batchBytes: number
  /** batches in flight per partition, for the first three partitions */
  readonly inFlight: number
  readonly storedMiB: number
  readonly perSecond: number
}

/**
 * Consumers read, single records and records at a fixed rate go to, one and three partitions at most,
 * as far as these are among the requested numbers.
 */
export function casesOf(options: CaseOptions): MqCase[] {
  return options.tasks.flatMap((name) => casesOfTask(name, options))
}

function casesOfTask(name: MqTaskName, options: CaseOptions): MqCase[] {
  const { recordBytes: sizes, partitions: counts, batchBytes, inFlight, perSecond } = options
  const few = counts.filter((count) => count <= 3)
  const [smallest = 100] = sizes
  switch (name) {
    case 'produce':
      return sizes.flatMap((recordBytes) =>
        counts.map((partitions) => {
          const batchRecords = Math.max(1, Math.floor(batchBytes / recordBytes))
          const inFlightInAll = inFlight * Math.min(partitions, 3)
          const task = { type: 'produce', batchRecords, inFlight: inFlightInAll } as const
          return { recordBytes, partitions, task }
        }),
      )
    case 'single':
      return few.slice(0, 1).map((partitions) => {
        const task = { type: 'produce', batchRecords: 1, inFlight: 1 } as const
        return { recordBytes: smallest, partitions, task }
      })
    case 'consume':
      return sizes.flatMap((recordBytes) =>
        few.slice(-1).map((partitions) => {
          const storedRecords = Math.ceil((options.storedMiB * 1024 * 1024) / recordBytes)
          return { recordBytes, partitions, task: { type: 'consume', storedRecords } as const }
        }),
      )
    case 'endToEnd':
      return few.map((partitions) => {
        const task = { type: 'endToEnd', perSecond } as const
        return { recordBytes: smallest, partitions, task }
      })
  }
}
