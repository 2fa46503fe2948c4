// Full load on a busy machine for a long time: a slow server must not be considered dead. Every
// change of leader and every link that a server drops is unnecessary here, since nothing fails.

import { type ChildProcess, fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { BenchEnsemble } from '../ensemble.ts'
import { type Measurement, measure } from '../measure.ts'
import type { WorkloadName } from './zk-load.ts'

const burnerProgram = fileURLToPath(new URL('../burner.ts', import.meta.url))

interface SoakLoad {
  readonly workload: WorkloadName
  readonly connections: number
  readonly outstanding: number
}

/** In turn; the last one is a burst that fills every queue. */
export const soakLoads: readonly SoakLoad[] = [
  { workload: 'set', connections: 12, outstanding: 64 },
  { workload: 'mix', connections: 252, outstanding: 4 },
  { workload: 'set', connections: 2, outstanding: 10_000 },
]

/** Log lines that the servers had no reason to write. */
export interface Trouble {
  readonly atMs: number
  readonly server: number
  readonly said: string
}

export interface SoakResult {
  /** by index in `soakLoads` */
  readonly measurements: readonly (readonly Measurement[])[]
  /** loads that failed, with the reason */
  readonly brokenOff: readonly string[]
  readonly troubles: readonly Trouble[]
}

const warmUpMs = 500
const windowMs = 9000

export async function soak(
  ensemble: BenchEnsemble,
  options: { readonly minutes: number; readonly burners: number; readonly seed: number },
): Promise<SoakResult> {
  const { minutes, burners, seed } = options
  const measurements: Measurement[][] = soakLoads.map(() => [])
  const brokenOff: string[] = []
  const sinceMs = Date.now()
  const endMs = performance.now() + minutes * 60_000
  const burning = Array.from({ length: burners }, () => fork(burnerProgram))
  try {
    for (let turn = 0; performance.now() < endMs; turn++) {
      const i = turn % soakLoads.length
      const load = soakLoads[i]
      if (load === undefined) continue
      try {
        const measurement = await measure({
          load: {
            servers: ensemble.addresses,
            ...load,
            valueBytes: 100,
            seed: seed + turn,
            protocol: 'native',
          },
          generators: 1,
          warmUpMs,
          windowMs,
          name: `soak-${turn}`,
          cpuMicros: () => ensemble.cpuMicros(),
        })
        measurements[i]?.push(measurement)
      } catch (error) {
        // A connection was closed: the servers' logs below show why.
        brokenOff.push((error as Error).message)
      }
    }
  } finally {
    for (const child of burning) stop(child)
  }
  return { measurements, brokenOff, troubles: troublesOf(ensemble, sinceMs) }
}

function stop(child: ChildProcess): void {
  if (child.connected) child.disconnect()
  child.kill('SIGKILL')
}

function troublesOf({ servers }: BenchEnsemble, sinceMs: number): Trouble[] {
  return servers
    .flatMap(({ id, log }) =>
      readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => ({ id, ...(JSON.parse(line) as Said) })),
    )
    .filter(({ time, msg }) => time >= sinceMs && telling.test(msg))
    .map(({ id, time, msg, reason }) => ({
      atMs: time - sinceMs,
      server: id,
      said: reason === undefined ? msg : `${msg}: ${reason}`,
    }))
    .sort((a, b) => a.atMs - b.atMs)
}

interface Said {
  readonly time: number
  readonly msg: string
  readonly reason?: string
}

const telling = /^(Looking for a leader|Leading|Closing a peer link|Closed a peer link)/
