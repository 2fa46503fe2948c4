// The project's goals for brokers, by task and size of a record: least records per second, or most µs
// of a percentile.

export const mqGoals: Readonly<
  Record<string, Partial<Record<'perSecond' | 'p50' | 'p99', number>>>
> = {
  'produce 100 B': { perSecond: 400_000 },
  'produce 1000 B': { perSecond: 80_000 },
  'consume 100 B': { perSecond: 1_000_000 },
  'consume 1000 B': { perSecond: 150_000 },
  'single 100 B': { p50: 1000 },
  'endToEnd 100 B': { p99: 12_000 },
}
