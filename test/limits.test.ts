import t from 'tap'
import { limits } from '../src/limits.ts'

t.test('what fits into a client frame fits everywhere it has to go', async (t) => {
  t.ok(limits.clientFrameBytesMax <= limits.clientFrameBytesCeiling)
  t.ok(2 * limits.clientFrameBytesCeiling <= limits.txnBytesMax)
  // Three default frames: a multi of the shortest creates of our dialect grows most.
  t.ok(3 * limits.clientFrameBytesMax < limits.txnBytesMax)
  t.ok(limits.proposalBatchBytesMax + limits.txnBytesMax < limits.peerFrameBytesMax)
  t.ok(limits.peerFrameBytesMax < limits.peerQueueBytesMax)
  t.ok(limits.clientFrameBytesCeiling < limits.connectionQueueBytesMax)
  t.ok(limits.clientFrameBytesCeiling < limits.clientReplyBytesMax)
})
