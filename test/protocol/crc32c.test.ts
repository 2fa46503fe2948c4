import t from 'tap'
import { crc32c } from '../../src/protocol/crc32c.ts'
import { Random } from '../../src/random.ts'

// RFC 3720, appendix B.4, and the usual check value.
const cases = [
  { name: 'nothing', bytes: Buffer.alloc(0), want: 0 },
  { name: 'the check value', bytes: Buffer.from('123456789'), want: 0xe3069283 },
  { name: '32 zeros', bytes: Buffer.alloc(32), want: 0x8a9136aa },
  { name: '32 ones', bytes: Buffer.alloc(32, 0xff), want: 0x62a8ab43 },
  {
    name: '0 to 31',
    bytes: Buffer.from(Array.from({ length: 32 }, (_, i) => i)),
    want: 0x46dd794e,
  },
  {
    name: '31 to 0',
    bytes: Buffer.from(Array.from({ length: 32 }, (_, i) => 31 - i)),
    want: 0x113fdb5c,
  },
]
for (const { name, bytes, want } of cases) {
  t.test(`crc32c of ${name}`, async (t) => {
    t.equal(crc32c(bytes), want)
  })
}

t.test('a checksum continued over any split equals the whole', async (t) => {
  const seed = 7
  t.comment(`seed ${seed}`)
  const bytes = new Random(seed).bytes(67)
  const whole = crc32c(bytes)
  const split = Array.from(bytes, (_, at) => crc32c(bytes, at, bytes.length, crc32c(bytes, 0, at)))
  t.ok(split.every((crc) => crc === whole))
})

t.test('start and end select the bytes that count', async (t) => {
  const padded = Buffer.from('xx123456789yy')
  t.equal(crc32c(padded, 2, 11), 0xe3069283)
})
