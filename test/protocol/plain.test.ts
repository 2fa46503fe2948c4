import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import t from 'tap'
import { limits } from '../../src/limits.ts'
import { ProtocolError } from '../../src/protocol/error-codes.ts'
import { MsgpackReader, MsgpackWriter } from '../../src/protocol/msgpack.ts'
import { type Plain, readPlains, writePlains } from '../../src/protocol/plain.ts'
import { Random } from '../../src/random.ts'

function read(bytes: Uint8Array, count = 1): readonly Plain[] {
  return readPlains(new MsgpackReader().reset(Buffer.from(bytes), 0, bytes.length), count)
}

function written(...values: readonly Plain[]): Buffer {
  const out = new MsgpackWriter(8)
  writePlains(out, values)
  return Buffer.from(out.view())
}

t.test('values round trip, one after the other', async (t) => {
  const values = [[1, null, true, 'x', 2 ** 40], Buffer.from('yz'), -129, []]
  t.same(read(written(...values), 4), values)
  t.same(read(Buffer.alloc(0), 0), [])
})

t.test('msgpackr and the writer of fields write the same bytes', async (t) => {
  const scalar = fc.oneof(
    fc.maxSafeInteger(),
    fc.integer({ min: -70_000, max: 70_000 }),
    fc.boolean(),
    fc.constant(null),
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.uint8Array({ maxLength: 300 }),
  )
  fc.assert(
    fc.property(fc.array(scalar, { maxLength: 20 }), (values) => {
      const out = new MsgpackWriter()
      out.arrayHeader(values.length)
      for (const value of values) {
        if (value === null || value instanceof Uint8Array) out.bytes(value)
        else if (typeof value === 'string') out.string(value)
        else if (typeof value === 'boolean') out.boolean(value)
        else out.int(value)
      }
      if (!written(values).equals(out.view())) throw new Error('the bytes differ')
    }),
  )
  for (const length of [65_535, 65_536]) {
    const out = new MsgpackWriter()
    out.string('é'.repeat(length))
    out.bytes(new Uint8Array(length))
    out.strings(Array.from({ length }, () => 'a'))
    const values = ['é'.repeat(length), new Uint8Array(length), Array.from({ length }, () => 'a')]
    t.ok(written(...values).equals(out.view()), `${length}`)
  }
})

const deep = Buffer.concat([Buffer.alloc(limits.msgpackDepthMax + 2, 0x91), Buffer.from([0xc0])])
const cases = {
  'an extension type': Buffer.from('d40100', 'hex'),
  'a timestamp': Buffer.from('d6ff00000000', 'hex'),
  'a map': Buffer.from('81a16101', 'hex'),
  'a long map': Buffer.from('de0000', 'hex'),
  'a short float': Buffer.from('ca00000000', 'hex'),
  'deep nesting': deep,
  'an array longer than its bytes': Buffer.from('ddffffffff', 'hex'),
  'arrays that are longer together': Buffer.from('93dd00000003dd00000002', 'hex'),
  'a string longer than its bytes': Buffer.from('dbffffffff61', 'hex'),
  'bytes longer than there are': Buffer.from('c6ffffffff61', 'hex'),
  'a value cut short': Buffer.from('9201', 'hex'),
  'trailing bytes': Buffer.from('c0c0', 'hex'),
  nothing: Buffer.alloc(0),
  'the byte that is never used': Buffer.from('c1', 'hex'),
}
for (const [name, bytes] of Object.entries(cases)) {
  t.test(`refused: ${name}`, async (t) => {
    t.throws(() => read(bytes), ProtocolError)
  })
}

t.test('values too few or too many are refused', async (t) => {
  t.throws(() => read(written(1, 2), 1), ProtocolError)
  t.throws(() => read(written(1, 2), 3), ProtocolError)
  t.throws(() => read(written(1), 0), ProtocolError)
})

t.test('random bytes give a value or a ProtocolError, nothing else', async (t) => {
  const seed = Math.floor(Math.random() * 1e9)
  t.comment(`seed ${seed}`)
  const random = new Random(seed)
  let refused = 0
  for (let i = 0; i < 20_000; i++) {
    try {
      read(random.bytes(1 + random.below(24)), 1 + random.below(2))
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      refused++
    }
  }
  t.ok(refused > 1000)
})

const marked = `\uFEFF${'n'.repeat(100)}`

t.test('a byte order mark survives, beside values of every type', async (t) => {
  const values = [marked, 1, -1, 2 ** 40, null, true, false, 'x', Buffer.from('y'), [[marked]]]
  t.same(read(written(...values), values.length), values)
})

t.test("a byte order mark survives without msgpackr's native addon", async (t) => {
  const program = `
    import { MsgpackReader, MsgpackWriter } from './src/protocol/msgpack.ts'
    import { readPlains, writePlains } from './src/protocol/plain.ts'
    const out = new MsgpackWriter()
    writePlains(out, [${JSON.stringify(marked)}])
    const frame = Buffer.from(out.view())
    const [back] = readPlains(new MsgpackReader().reset(frame, 0, frame.length), 1)
    process.stdout.write(String(back.length))`
  const args = ['--import=tsx', '--input-type=module', '-e', program]
  const env = { ...process.env, MSGPACKR_NATIVE_ACCELERATION_DISABLED: 'true' }
  const { stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' })
  t.equal(stdout, String(marked.length), stderr)
})
