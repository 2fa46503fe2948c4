import t from 'tap'
import { StartOffsets } from '../../../src/client/mq/start-offsets.ts'
import { BrokerError } from '../../../src/protocol/mq/error-codes.ts'
import { RecordingLogger } from '../../recording-logger.ts'

interface World {
  /** of the answers, one after the other; the last one stays */
  readonly logs: readonly (readonly [start: number, end: number])[]
  readonly committed: number | undefined
  readonly outOfRange: 'stop' | 'earliest' | 'latest'
}

/** Where a member of a group starts, and what it tells its user. */
async function start({ logs, committed, outOfRange }: World) {
  const answers = [...logs]
  const resets: (readonly [from: number | undefined, to: number])[] = []
  const call = async () => {
    const [earliest, latest] = (answers.length > 1 ? answers.shift() : answers[0]) ?? [0, 0]
    return { partitions: [{ topic: 'goals', partition: 0, earliest, latest }] }
  }
  const offsets = new StartOffsets({
    cluster: { call: call as never, log: new RecordingLogger() },
    from: 'beginning',
    outOfRange,
    onReset: (_, to, from) => resets.push([from, to]),
  })
  const commits = { group: 'fans', read: async () => committed }
  const found = (await offsets.of('goals', [0], commits)).get(0)
  return { found, resets }
}

for (const { title, found, resets, ...world } of [
  {
    ...{ title: 'behind what was committed', logs: [[0, 100]], committed: 50 },
    ...{ outOfRange: 'stop', found: 50, resets: [] },
  },
  {
    ...{ title: 'at the beginning without a commit', logs: [[7, 100]], committed: undefined },
    ...{ outOfRange: 'stop', found: 7, resets: [] },
  },
  {
    ...{
      title: 'behind records that were removed, and says so',
      logs: [[103, 115]],
      committed: 50,
    },
    ...{ outOfRange: 'earliest', found: 103, resets: [[50, 103]] },
  },
  {
    ...{ title: 'at the end if it is asked to, and says so', logs: [[103, 115]], committed: 50 },
    ...{ outOfRange: 'latest', found: 115, resets: [[50, 115]] },
  },
  {
    title: 'behind what was committed, if only the broker that was asked first has removed it',
    ...{ logs: [[103, 115] as const, [1, 103] as const], committed: 50 },
    ...{ outOfRange: 'earliest', found: 50, resets: [] },
  },
] as const satisfies readonly (World & Record<string, unknown>)[]) {
  t.test(`a member starts ${title}`, async (t) => {
    t.same(await start(world), { found, resets })
  })
}

t.test('a member stops where its records were removed, unless it may continue', async (t) => {
  const { code } = new BrokerError('OFFSET_OUT_OF_RANGE', '')
  const removed = { logs: [[103, 115]], committed: 50, outOfRange: 'stop' } as const
  await t.rejects(start(removed), { code })
})
