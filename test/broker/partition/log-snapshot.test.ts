import t from 'tap'
import {
  decodeProducers,
  encodeProducers,
  type LogSnapshot,
  SnapshotFile,
} from '../../../src/broker/partition/log-snapshot.ts'
import type { ProducerId } from '../../../src/protocol/mq/record-batch.ts'
import { MemoryDirectory } from '../../log/memory-directory.ts'

const snapshot: LogSnapshot = {
  logStart: 7,
  end: 30,
  gapsBelow: 20,
  compactedTo: 15,
  epochs: { baseEpoch: 1, starts: [{ epoch: 3, startOffset: 10 }] },
  producers: [
    {
      producerId: 9 as ProducerId,
      epoch: 2,
      batches: [{ firstSequence: 4, lastSequence: 5, baseOffset: 10, lastOffset: 11 }],
      forgotMore: true,
      forgotEpochs: false,
    },
  ],
}

async function written(): Promise<MemoryDirectory> {
  const directory = new MemoryDirectory()
  await new SnapshotFile(directory).write(snapshot)
  return directory.crash()
}

function rewrite(directory: MemoryDirectory, change: (text: string) => string): SnapshotFile {
  const file = directory.open('snapshot.json')
  const bytes = Buffer.alloc(file.sizeBytes())
  file.read(bytes, 0)
  file.write(Buffer.from(change(bytes.toString())), 0)
  return new SnapshotFile(directory)
}

t.test('a snapshot survives a power cut as it was written', async (t) => {
  t.equal(new SnapshotFile(new MemoryDirectory()).read(), undefined)
  t.strictSame(new SnapshotFile(await written()).read(), snapshot)
})

t.test('a snapshot with another number in it is damaged', async (t) => {
  const file = rewrite(await written(), (text) => text.replace('"logStart":7', '"logStart":8'))
  t.equal(file.read(), 'damaged')
})

t.test('a snapshot of a later format is refused, not rebuilt', async (t) => {
  const file = rewrite(await written(), (text) => text.replace('"version":1', '"version":2'))
  t.throws(() => file.read(), { name: 'SnapshotVersionError' })
})

t.test('the producers that a leader sends arrive as they are known', async (t) => {
  t.strictSame(decodeProducers(encodeProducers(snapshot.producers)), snapshot.producers)
})
