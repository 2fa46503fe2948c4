import t from 'tap'
import { murmur2, partitionFor } from '../../../src/client/mq/partitioner.ts'

// From Kafka's own UtilsTest.testMurmur2.
const cases = [
  { key: '21', want: -973932308 },
  { key: 'foobar', want: -790332482 },
  { key: 'a-little-bit-long-string', want: -985981536 },
  { key: 'a-little-bit-longer-string', want: -1486304829 },
  { key: 'lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', want: -58897971 },
  { key: 'abc', want: 479470107 },
]
for (const { key, want } of cases) {
  t.test(`murmur2 of '${key}' is Kafka’s`, async (t) => {
    t.equal(murmur2(Buffer.from(key)), want)
    t.equal(partitionFor(Buffer.from(key), 7), (want & 0x7fffffff) % 7)
  })
}
