import t from 'tap'
import { ProtocolError } from '../../src/protocol/error-codes.ts'
import { FrameDecoder } from '../../src/protocol/frame.ts'
import { Random } from '../../src/random.ts'
import { ReusedBuffers } from '../../src/reused-buffers.ts'

function frame(body: string): Buffer {
  const bytes = Buffer.alloc(4 + body.length)
  bytes.writeUInt32BE(body.length)
  bytes.write(body, 4, 'latin1')
  return bytes
}

function decoder(
  frameBytesMax = 1000,
  buffers?: ReusedBuffers,
): { frames: string[]; decoder: FrameDecoder } {
  const frames: string[] = []
  const onFrame = (buffer: Buffer, start: number, end: number): void => {
    frames.push(buffer.toString('latin1', start, end))
  }
  return { frames, decoder: new FrameDecoder(frameBytesMax, onFrame, buffers) }
}

t.test('any split of the stream gives the same frames', async (t) => {
  const seed = Math.floor(Math.random() * 1e9)
  t.comment(`seed ${seed}`)
  const random = new Random(seed)
  const bodies = Array.from({ length: 200 }, () => 'x'.repeat(random.below(50)))
  const stream = Buffer.concat(bodies.map(frame))
  const sizes = [() => 1, () => 3, () => 1 + random.below(200), () => stream.length]
  for (const size of sizes) {
    for (const buffers of [undefined, new ReusedBuffers()]) {
      const { frames, decoder: it } = decoder(1000, buffers)
      for (let at = 0; at < stream.length; ) {
        const end = Math.min(stream.length, at + size())
        const chunk = Buffer.from(stream.subarray(at, end))
        it.push(chunk)
        chunk.fill(0xdb) // as a socket's buffer, which is used again
        at = end
      }
      t.same(frames, bodies)
      t.notOk(it.midFrame)
    }
  }
})

t.test('a frame over the limit is refused once its length is known', async (t) => {
  const { frames, decoder: it } = decoder(10)
  it.push(frame('1234567890'))
  t.same(frames, ['1234567890'], 'the limit itself is allowed')
  const length = Buffer.alloc(4)
  length.writeUInt32BE(11)
  it.push(length.subarray(0, 3))
  t.ok(it.midFrame)
  t.throws(() => it.push(length.subarray(3)), ProtocolError)
  t.throws(() => decoder(10).decoder.push(Buffer.from('ffffffff', 'hex')), ProtocolError)
})

t.test('no frame is emitted after stop, not even from the current chunk', async (t) => {
  const frames: string[] = []
  const it = new FrameDecoder(100, (buffer, start, end) => {
    frames.push(buffer.toString('latin1', start, end))
    it.stop()
  })
  it.push(Buffer.concat([frame('a'), frame('b')]))
  it.push(frame('c'))
  t.same(frames, ['a'])
})

t.test('a frame that is only announced gets little memory', async (t) => {
  const taken: number[] = []
  const buffers = new (class extends ReusedBuffers {
    override take(bytes: number): Buffer {
      taken.push(bytes)
      return super.take(bytes)
    }
  })()
  const length = 10 * 1024 * 1024
  const { frames, decoder: it } = decoder(length, buffers)
  const head = Buffer.alloc(4)
  head.writeUInt32BE(length)
  it.push(head)
  it.push(Buffer.alloc(1))
  t.same(taken, [256 * 1024])
  it.push(Buffer.alloc(length - 1))
  t.equal(frames[0]?.length, length)
})

t.test('links use the same memory in turn, and none that is in use', async (t) => {
  const buffers = new ReusedBuffers()
  const body = 'x'.repeat(3000)
  const memory: Buffer[] = []
  const decoders = Array.from({ length: 3 }, () => {
    return new FrameDecoder(10_000, (buffer) => memory.push(buffer), buffers)
  })
  const whole = frame(body)
  const [first, second] = decoders
  first?.push(whole.subarray(0, 100))
  second?.push(whole.subarray(0, 100))
  first?.push(whole.subarray(100))
  second?.push(whole.subarray(100))
  t.not(memory[0], memory[1])
  decoders[2]?.push(whole.subarray(0, 100))
  decoders[2]?.push(whole.subarray(100))
  t.ok(memory[2] === memory[0] || memory[2] === memory[1])
})
