import t from 'tap'
import {
  decodeReport,
  encodeReport,
  type ReplicaStatus,
} from '../../../src/broker/cluster/replica-status.ts'
import { life } from '../partition/members.ts'
import { topicId } from './sample-image.ts'

const known = { lastEpoch: -1, highWatermark: 7 }
const log = { ...known, life: life(1), stateVersion: 3, end: 9 }
const statuses: ReplicaStatus[] = [
  { type: 'unavailable', reason: 'EMFILE', ...known },
  { type: 'damaged', reason: 'at byte 9', ...known },
  { type: 'whole', ...log },
  { type: 'tail-cut', ...log },
  { type: 'incomplete', ...log },
  { type: 'ahead', ...log },
]
const encode = (status: ReplicaStatus) =>
  encodeReport({ topic: 'goals', topicId, partition: 0, status })

for (const status of statuses) {
  t.test(`a report on a replica that is ${status.type} is read as written`, async (t) => {
    t.same(decodeReport(Buffer.from(encode(status))), status)
  })

  t.test(`a report that lacks a fact is none: ${status.type}`, async (t) => {
    const fields = JSON.parse(encode(status)) as Record<string, unknown>
    for (const field of Object.keys(fields)) {
      if (field === 'topic' || field === 'partition') continue // for operators who read the znode
      const { [field]: _, ...rest } = fields
      t.equal(decodeReport(Buffer.from(JSON.stringify(rest))), undefined, field)
    }
  })
}

t.test('data in another shape is no report', async (t) => {
  const [, , whole] = statuses
  if (whole === undefined) return
  const texts = ['', 'null', '[]', '{}', '{"a"', encode(whole).replace('whole', 'fine')]
  for (const text of texts) t.equal(decodeReport(Buffer.from(text)), undefined, text)
  t.equal(decodeReport(null), undefined)
})
