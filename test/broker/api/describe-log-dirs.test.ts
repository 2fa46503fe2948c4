import t from 'tap'
import { ApiWorld } from './api-world.ts'

t.test('a broker tells the sizes of its own replicas, of all topics or of some', async (t) => {
  const world = new ApiWorld()
  for (const topic of ['goals', 'cards']) {
    world.topic(topic, [1])
    world.replica(topic, 0)
  }
  const row = { partition: 0, sizeBytes: 0, lag: 0 }
  t.same(await world.answer({ type: 'describeLogDirs', topics: undefined }), {
    type: 'describeLogDirs',
    dataDir: world.parts.dataDir,
    replicas: [
      { topic: 'goals', ...row },
      { topic: 'cards', ...row },
    ],
  })
  t.match(await world.answer({ type: 'describeLogDirs', topics: ['cards', 'none'] }), {
    replicas: [{ topic: 'cards' }],
  })
})
