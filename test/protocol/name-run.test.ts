import t from 'tap'
import { ByteWriter } from '../../src/protocol/byte-writer.ts'
import { writePaths } from '../../src/protocol/compat/zookeeper-records.ts'
import { MsgpackWriter } from '../../src/protocol/msgpack.ts'
import { NameRun } from '../../src/protocol/name-run.ts'
import { Random } from '../../src/random.ts'

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
t.comment(`SEED=${seed}`)

/** What the codecs write for the names one by one. */
function wanted(names: readonly string[]): { readonly jute: string; readonly msgpack: string } {
  const jute = new ByteWriter()
  writePaths(jute, names)
  const msgpack = new MsgpackWriter()
  for (const name of names) msgpack.string(name)
  return { jute: jute.view().toString('hex', 4), msgpack: msgpack.view().toString('hex') }
}

function listed(run: NameRun): { readonly jute: string; readonly msgpack: string } {
  const [jute, msgpack] = [new ByteWriter(), new ByteWriter()]
  run.insertJute(jute)
  run.insertMsgpack(msgpack)
  return { jute: jute.view().toString('hex'), msgpack: msgpack.view().toString('hex') }
}

/** Names of every length of a header, of one to three bytes per character, some within others. */
const someNames = [
  'a',
  'aa',
  'é',
  '日本',
  'x'.repeat(31),
  'x'.repeat(32),
  'é'.repeat(16),
  'y'.repeat(255),
  'y'.repeat(256),
  `${'z'.repeat(65_535)}1`,
  `${'z'.repeat(65_535)}2`,
]

t.test('a run lists its names as the codecs write them, after any changes', async (t) => {
  const random = new Random(seed)
  const run = new NameRun()
  let names: string[] = []
  for (let step = 0; step < 400; step++) {
    const name = someNames[random.below(someNames.length)] ?? 'a'
    if (names.includes(name)) {
      if (!run.remove(name)) t.fail('it is there')
      names = names.filter((one) => one !== name)
    } else {
      if (run.remove(name)) t.fail('it is not there')
      run.add(name)
      names.push(name)
    }
    if (step % 20 !== 0) continue
    t.same(listed(run), wanted(names))
    t.same([...run.names()], names)
    t.equal(run.count, names.length)
    t.equal(run.bytes, wanted(names).jute.length / 2)
  }
})

t.test('bytes that were lent to an answer stay as they were', async (t) => {
  const run = new NameRun()
  const lent: { readonly out: ByteWriter; readonly bytes: string }[] = []
  const lend = (insert: (out: ByteWriter) => void): void => {
    const out = new ByteWriter()
    insert(out)
    lent.push({ out, bytes: out.view().toString('hex') })
  }
  for (let i = 0; i < 300; i++) {
    run.add(`name-${i}`)
    if (i % 3 === 2) run.remove(`name-${i - (i % 7) - 1}`)
    lend((out) => run.insertJute(out))
    lend((out) => run.insertMsgpack(out))
  }
  t.ok(lent.every(({ out, bytes }) => out.view().toString('hex') === bytes))
})
