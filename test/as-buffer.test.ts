import t from 'tap'
import { asBuffer } from '../src/as-buffer.ts'

t.test('bytes become a Buffer over the same memory, and of that part of it alone', async (t) => {
  const whole = Uint8Array.from([1, 2, 3, 4])
  const part = asBuffer(whole.subarray(1, 3))
  t.same([...part], [2, 3])
  whole[1] = 9
  t.equal(part[0], 9)
})

t.test('a Buffer is itself', async (t) => {
  const buffer = Buffer.from('a')
  t.equal(asBuffer(buffer), buffer)
})
