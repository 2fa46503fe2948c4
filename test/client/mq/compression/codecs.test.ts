import { gzipSync } from 'node:zlib'
import t from 'tap'
import { Codecs } from '../../../../src/client/mq/compression/codecs.ts'
import { type Compression, codecs } from '../../../../src/protocol/mq/compression.ts'
import {
  type BatchProducer,
  decodeBatch,
  encodeBatch,
  noProducer,
} from '../../../../src/protocol/mq/record-batch.ts'
import { Random } from '../../../../src/random.ts'

const names: readonly Compression[] = ['gzip', 'snappy', 'lz4', 'zstd']
const nothing: BatchProducer = { producerId: noProducer, producerEpoch: -1, baseSequence: -1 }
const goals = Array.from({ length: 400 }, (_, i) => ({
  key: null,
  value: Buffer.from(`{"minute":${i % 90},"goal":${i}}`),
  timestampMs: i,
  headers: [],
}))

for (const name of names) {
  t.test(`${name}: a batch survives compression, and is smaller`, async (t) => {
    const library = new Codecs()
    const plain = encodeBatch({ ...nothing, records: goals })
    const packed = encodeBatch({ ...nothing, records: goals }, await library.load(name))
    t.ok(packed.length < plain.length / 2)
    t.equal(packed.readInt16BE(21), codecs[name])
    t.same(decodeBatch(packed, 0, library.decompress), decodeBatch(plain))
    t.throws(() => decodeBatch(packed), { name: 'ProtocolError', message: new RegExp(name) })
  })

  t.test(`${name}: an incompressible batch stays uncompressed`, async (t) => {
    const noise = Buffer.from(new Random(7).bytes(200))
    const records = [{ key: null, value: noise, timestampMs: 1, headers: [] }]
    const plain = encodeBatch({ ...nothing, records })
    t.same(encodeBatch({ ...nothing, records }, await new Codecs().load(name)), plain)
  })

  t.test(`${name}: a block with too much content is refused`, async (t) => {
    const library = new Codecs(100_000)
    const bomb = (await library.load(name)).compress(Buffer.alloc(1_000_000))
    const refusal = { name: 'ProtocolError', message: /its \w+ block: / }
    t.throws(() => library.decompress(codecs[name], Buffer.from(bomb)), refusal)
    const most = (await library.load(name)).compress(Buffer.alloc(60_000))
    t.equal(library.decompress(codecs[name], Buffer.from(most)).length, 60_000)
  })

  t.test(`${name}: a damaged block is refused or decompressed within the limit`, async (t) => {
    const seed = 17
    t.comment(`seed ${seed}`)
    const random = new Random(seed)
    const library = new Codecs(100_000)
    const compressor = await library.load(name)
    const block = Buffer.from(compressor.compress(Buffer.concat(goals.map(({ value }) => value))))
    let refused = 0
    for (let i = 0; i < 400; i++) {
      const isCut = random.chance(0.3)
      const bytes = Buffer.from(block.subarray(0, isCut ? random.below(block.length) : undefined))
      const at = random.below(block.length)
      if (!isCut) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8))
      try {
        const found = library.decompress(codecs[name], bytes)
        if (found.length > 100_000) t.fail(`${found.length} bytes`)
      } catch (error) {
        if (!(error instanceof Error) || error.name !== 'ProtocolError') throw error
        refused++
      }
    }
    t.ok(refused > 100, `${refused} of them are refused`)
  })
}

const hellos = Buffer.from(Array(6).fill('hello').join(' '))
const rawSnappy = '231468656c6c6f20720600' // a literal, then a copy of it
const framing = '82534e4150505900' + '0000000100000001'
const foreign: readonly { name: string; codec: number; hex: string; want: Buffer }[] = [
  {
    name: 'the command zstd, without the content size',
    codec: codecs.zstd,
    hex: '28b52ffd04586500003068656c6c6f200100b94b112be168e7',
    want: hellos,
  },
  {
    name: 'the command lz4, with a content checksum',
    codec: codecs.lz4,
    hex: '04224d186440a7100000006f68656c6c6f200600055068656c6c6f00000000bd9cd674',
    want: hellos,
  },
  { name: 'one raw block of snappy', codec: codecs.snappy, hex: rawSnappy, want: hellos },
  {
    name: 'the stream format of snappy-java',
    codec: codecs.snappy,
    hex: `${framing}0000000b${rawSnappy}0000000b${rawSnappy}`,
    want: Buffer.concat([hellos, hellos]),
  },
  { name: 'gzip', codec: codecs.gzip, hex: gzipSync(hellos).toString('hex'), want: hellos },
]
for (const { name, codec, hex, want } of foreign) {
  t.test(`a block of another program is decompressed: ${name}`, async (t) => {
    const library = new Codecs()
    for (const each of names) await library.load(each)
    t.same(library.decompress(codec, Buffer.from(hex, 'hex')), want)
  })
}

t.test('a codec is missing until it is loaded', async (t) => {
  const library = new Codecs()
  const packed = encodeBatch({ ...nothing, records: goals }, await new Codecs().load('lz4'))
  const batches = Buffer.concat([encodeBatch({ ...nothing, records: goals }), packed, packed])
  t.same([...library.missing(batches)], ['lz4'])
  await library.load('lz4')
  t.same([...library.missing(batches)], [])
})
