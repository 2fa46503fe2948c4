// How much of each part is measured: in full for the page, in short to see that it works.

export interface LoadCase {
  readonly load: 'set' | 'get' | 'mix' | 'create'
  readonly connections: number
  readonly outstanding: number
  readonly valueBytes: number
}

export interface Plan {
  readonly rounds: number
  readonly warmUpMs: number
  readonly windowMs: number
  readonly loads: readonly LoadCase[]
  /** requests due per second, ascending */
  readonly openRates: Readonly<Record<'set' | 'get', readonly number[]>>
  readonly ensembleSizes: readonly number[]
  readonly connections: readonly number[]
  readonly valueBytes: readonly number[]
  /** ascending: the tree grows */
  readonly znodes: readonly number[]
  readonly startZnodes: readonly number[]
  readonly watches: readonly number[]
  readonly sessions: { readonly count: number; readonly holdMs: number }
  readonly failovers: number
  /** of one parent */
  readonly children: readonly number[]
  /** voters and observers */
  readonly roles: readonly (readonly [voters: number, observers: number])[]
  readonly mq: {
    readonly recordBytes: string
    readonly partitions: string
    readonly storedMib: number
  }
  readonly brokerPartitions: number
  readonly logGigabytes: number
}

const shapes = [
  { connections: 12, outstanding: 64 },
  { connections: 12, outstanding: 4 },
  { connections: 252, outstanding: 1 },
  { connections: 1, outstanding: 1 },
] as const

export const fullPlan: Plan = {
  rounds: 5,
  warmUpMs: 2000,
  windowMs: 4000,
  // Creates last: they leave a larger tree.
  loads: [
    ...(['set', 'get', 'mix'] as const).flatMap((load) =>
      shapes.map((shape) => ({ load, ...shape, valueBytes: 100 })),
    ),
    { load: 'set', connections: 12, outstanding: 64, valueBytes: 1000 },
    { load: 'get', connections: 12, outstanding: 64, valueBytes: 1000 },
    ...shapes.map((shape) => ({ load: 'create' as const, ...shape, valueBytes: 100 })),
  ],
  openRates: { set: [500, 1000, 2000, 5000, 10_000, 20_000], get: [5000, 10_000, 20_000, 50_000] },
  ensembleSizes: [3, 5, 7, 9],
  connections: [1, 10, 100, 1000],
  valueBytes: [10, 100, 1000, 10_000, 100_000],
  znodes: [1000, 10_000, 100_000, 1_000_000],
  startZnodes: [100_000, 1_000_000],
  watches: [0, 10_000, 100_000, 1_000_000],
  sessions: { count: 10_000, holdMs: 20_000 },
  failovers: 20,
  children: [100_000, 500_000],
  roles: [
    [3, 0],
    [5, 0],
    [7, 0],
    [3, 2],
    [3, 4],
  ],
  mq: { recordBytes: '100,1000,10000', partitions: '1,3,100', storedMib: 64 },
  brokerPartitions: 10_000,
  logGigabytes: 10,
}

export const quickPlan: Plan = {
  rounds: 1,
  warmUpMs: 500,
  windowMs: 1000,
  loads: [
    { load: 'set', connections: 12, outstanding: 64, valueBytes: 100 },
    { load: 'get', connections: 12, outstanding: 64, valueBytes: 100 },
    { load: 'create', connections: 12, outstanding: 4, valueBytes: 100 },
  ],
  openRates: { set: [500, 1000], get: [1000] },
  ensembleSizes: [3, 5],
  connections: [1, 10],
  valueBytes: [100, 1000],
  znodes: [1000, 5000],
  startZnodes: [5000],
  watches: [0, 10_000],
  sessions: { count: 300, holdMs: 1000 },
  failovers: 1,
  children: [2000],
  roles: [
    [3, 0],
    [5, 0],
    [3, 2],
  ],
  mq: { recordBytes: '1000', partitions: '1', storedMib: 8 },
  brokerPartitions: 30,
  logGigabytes: 0.1,
}
