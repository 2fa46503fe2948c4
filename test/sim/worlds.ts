// The worlds of `npm run sim`: their lives, their faults, and the mutants that they have to catch.
// A new world is a row here.

import type { FaultRows, FaultsOf, FaultTable } from './faults.ts'
import { drawFaults, mqFaults } from './mq/faults.ts'
import { liveMq } from './mq/life.ts'
import { lostDiskMutants, mqMutants, scenarioMutants } from './mq/mutants.ts'
import type { Mutant, Simulation } from './mutate.ts'
import { drawServersFaults, serversFaults } from './servers/faults.ts'
import { liveServers } from './servers/life.ts'
import { serverMutants } from './servers/mutants.ts'
import { drawZabFaults, zabFaults } from './zab/faults.ts'
import { liveZab } from './zab/life.ts'
import { zabMutants } from './zab/mutants.ts'

export interface Life {
  readonly operations: number
  readonly coverage: ReadonlyMap<string, number>
}

export type Trace = (line: string) => void

export interface SimulatedWorld {
  readonly about: string
  /** share of the time of an exploration of all worlds */
  readonly share: number
  /** the unit of `Life.operations` */
  readonly unit: string
  /** whether the world has clients, which `--operations` and `--seeds` count */
  readonly hasClients: boolean
  /** A line for each fault, for `--help`. */
  readonly faultLines: readonly string[]
  /** @param given the values of `--fault` @throws FaultError that names the mistake */
  readonly withFaults: (given: readonly string[]) => Lives
  readonly hunts: readonly Hunt[]
}

/** The lives of a world, perhaps with overridden faults. */
export interface Lives {
  /** The faults of a seed's life. */
  readonly faultsOf: (seed: number) => string
  /** @throws InvariantError when a promise is broken */
  readonly live: (seed: number, trace?: Trace) => Promise<Life>
}

/** Mutants and the simulation that has to catch them. */
export interface Hunt {
  readonly mutants: readonly Mutant[]
  readonly simulation: Simulation
}

export type WorldName = 'servers' | 'mq' | 'zab'

export const worlds: Readonly<Record<WorldName, SimulatedWorld>> = {
  servers: {
    about: 'whole servers on disks, networks and clocks that fail, with clients that check them',
    share: 0.5,
    unit: 'operations',
    hasClients: true,
    ...withFaults(serversFaults, {
      draw: drawServersFaults,
      live: async (seed, faults, trace) => liveServers(seed, { faults, trace }),
    }),
    hunts: [
      {
        mutants: serverMutants,
        simulation: { file: 'servers/life.ts', live: 'liveServers' },
      },
    ],
  },
  mq: {
    about: 'whole brokers on top of such servers, with producers and consumers',
    share: 0.35,
    unit: 'operations',
    hasClients: true,
    ...withFaults(mqFaults, {
      draw: drawFaults,
      live: async (seed, faults, trace) => liveMq(seed, { faults, ...(trace && { trace }) }),
    }),
    hunts: [
      { mutants: mqMutants, simulation: { file: 'mq/life.ts', live: 'liveMq' } },
      {
        mutants: lostDiskMutants,
        simulation: { file: 'mq/lost-disks.ts', live: 'liveLostDisks' },
      },
      {
        mutants: scenarioMutants,
        simulation: { file: 'mq/scenarios.ts', live: 'liveScenarios' },
      },
    ],
  },
  zab: {
    about: 'the protocol alone, which is far quicker and meets far stranger schedules',
    share: 0.15,
    unit: 'transactions committed',
    hasClients: false,
    ...withFaults(zabFaults, {
      draw: drawZabFaults,
      live: async (seed, faults, trace) => {
        const { committed, coverage } = liveZab(seed, { faults, trace })
        return { operations: committed, coverage }
      },
    }),
    hunts: [{ mutants: zabMutants, simulation: { file: 'zab/life.ts', live: 'liveZab' } }],
  },
}

export const worldNames: readonly WorldName[] = ['servers', 'mq', 'zab']

function withFaults<Rows extends FaultRows>(
  table: FaultTable<Rows>,
  world: {
    readonly draw: (seed: number) => FaultsOf<Rows>
    readonly live: (
      seed: number,
      faults: Partial<FaultsOf<Rows>>,
      trace: Trace | undefined,
    ) => Promise<Life>
  },
): Pick<SimulatedWorld, 'faultLines' | 'withFaults'> {
  return {
    faultLines: table.lines,
    withFaults: (given) => {
      const faults = table.parse(given)
      return {
        faultsOf: (seed) => table.format({ ...world.draw(seed), ...faults }),
        live: (seed, trace) => world.live(seed, faults, trace),
      }
    },
  }
}
