// The same load on two ensembles in turn, by the same generators in the same dialect: the ratio
// matters, since absolute figures vary between machines and over time.

import type { Subject } from '../ensemble.ts'
import { type Measurement, type MeasureOptions, measure } from '../measure.ts'

export interface Comparison {
  readonly ours: Measured
  readonly peer: Measured
  /** answers per second, ours divided by the peer's */
  readonly ratio: number
}

/** Medians over the rounds. */
export interface Measured {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  readonly cpuMicros: number | undefined
  readonly failed: number
}

export interface CompareOptions extends Omit<MeasureOptions, 'load' | 'cpuMicros'> {
  readonly load: Omit<MeasureOptions['load'], 'servers' | 'protocol'>
  readonly rounds: number
}

/** The order changes from round to round, so that neither always has the quieter half. */
export async function compare(
  ours: Subject,
  peer: Subject,
  options: CompareOptions,
): Promise<Comparison> {
  const found = { ours: [] as Measurement[], peer: [] as Measurement[] }
  for (let round = 0; round < options.rounds; round++) {
    const order = round % 2 === 0 ? (['ours', 'peer'] as const) : (['peer', 'ours'] as const)
    for (const whose of order) {
      const subject = whose === 'ours' ? ours : peer
      found[whose].push(
        await measure({
          ...options,
          load: { ...options.load, servers: subject.addresses, protocol: 'jute' },
          name: `${options.name}-${round}`,
          cpuMicros: () => subject.cpuMicros(),
        }),
      )
    }
  }
  const [first, second] = [middle(found.ours), middle(found.peer)]
  return { ours: first, peer: second, ratio: first.perSecond / second.perSecond }
}

function middle(measurements: readonly Measurement[]): Measured {
  const cpu = measurements.map(({ cpuMicros }) => cpuMicros).filter((one) => one !== undefined)
  return {
    perSecond: median(measurements.map(({ perSecond }) => perSecond)),
    p50: median(measurements.map(({ latency }) => latency.percentile(50))),
    p99: median(measurements.map(({ latency }) => latency.percentile(99))),
    cpuMicros: cpu.length === 0 ? undefined : median(cpu),
    failed: measurements.reduce((sum, { failed }) => sum + failed, 0),
  }
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
