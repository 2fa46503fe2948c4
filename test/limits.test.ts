import t from 'tap'
import { limits } from '../src/limits.ts'

t.test('what fits into a client frame fits everywhere it has to go', async (t) => {
  t.ok(limits.clientFrameBytesMax <= limits.clientFrameBytesCeiling)
  // A multi of the shortest creates of our dialect grows most on its way to a transaction.
  const txnBytesMax = 3 * limits.clientFrameBytesCeiling
  t.ok(limits.proposalBatchBytesMax + txnBytesMax < limits.peerFrameBytesMax)
  t.ok(limits.peerFrameBytesMax < limits.peerQueueBytesMax)
  t.ok(limits.clientFrameBytesCeiling < limits.connectionQueueBytesMax)
  t.ok(limits.clientFrameBytesCeiling < limits.clientReplyBytesMax)
})
