import t from 'tap'
import { casesOf } from '../../../bench/workloads/mq.ts'

t.test(
  'each size meets each number of partitions, and single records only the fewest',
  async (t) => {
    const cases = casesOf({
      tasks: ['produce', 'single', 'consume', 'endToEnd'],
      recordBytes: [100, 100_000],
      partitions: [1, 3, 100],
      batchBytes: 65_536,
      inFlight: 5,
      storedMiB: 1,
      perSecond: 1000,
    })
    const produce = cases.filter(({ task }) => task.type === 'produce')
    t.same(
      produce.map(({ recordBytes, partitions, task }) => [recordBytes, partitions, task]),
      [
        [100, 1, { type: 'produce', batchRecords: 655, inFlight: 5 }],
        [100, 3, { type: 'produce', batchRecords: 655, inFlight: 15 }],
        [100, 100, { type: 'produce', batchRecords: 655, inFlight: 15 }],
        [100_000, 1, { type: 'produce', batchRecords: 1, inFlight: 5 }],
        [100_000, 3, { type: 'produce', batchRecords: 1, inFlight: 15 }],
        [100_000, 100, { type: 'produce', batchRecords: 1, inFlight: 15 }],
        [100, 1, { type: 'produce', batchRecords: 1, inFlight: 1 }],
      ],
    )
    const others = cases.filter(({ task }) => task.type !== 'produce')
    t.same(
      others.map(({ recordBytes, partitions, task }) => [recordBytes, partitions, task.type]),
      [
        [100, 3, 'consume'],
        [100_000, 3, 'consume'],
        [100, 1, 'endToEnd'],
        [100, 3, 'endToEnd'],
      ],
    )
  },
)
