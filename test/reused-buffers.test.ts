import t from 'tap'
import { ReusedBuffers } from '../src/reused-buffers.ts'

t.test('what is given back is used again for what it is large enough for', async (t) => {
  const buffers = new ReusedBuffers()
  const first = buffers.take(5000)
  t.equal(first.length, 8192)
  t.not(buffers.take(5000), first)
  buffers.give(first)
  t.not(buffers.take(4096), first)
  t.equal(buffers.take(8192), first)
})

t.test('memory that is free has a bound, and so has one buffer', async (t) => {
  const buffers = new ReusedBuffers()
  const mebibyte = 1024 * 1024
  const large = buffers.take(3 * mebibyte)
  buffers.give(large)
  t.not(buffers.take(3 * mebibyte), large)
  const all = Array.from({ length: 17 }, () => buffers.take(mebibyte))
  for (const one of all) buffers.give(one)
  t.equal(buffers.take(mebibyte), all[16], 'the last one')
  t.notOk(all.includes(buffers.take(mebibyte)), 'the sixteen before it were released')
})
