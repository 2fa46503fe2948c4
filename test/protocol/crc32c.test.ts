import { execFileSync } from 'node:child_process'
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

// Long ones are left to the package, short ones are not.
t.test('a long checksum equals the one continued over short pieces', async (t) => {
  const seed = 11
  t.comment(`seed ${seed}`)
  const random = new Random(seed)
  for (const length of [511, 512, 513, 1000, 4096, 65_549]) {
    const bytes = random.bytes(length)
    const start = length % 7
    let continued = 3
    for (let at = start; at < length; at += 100) {
      continued = crc32c(bytes, at, Math.min(at + 100, length), continued)
    }
    t.equal(crc32c(bytes, start, length, 3), continued, `${length} B`)
  }
})

t.test('checksums are the same where the package is not installed', async (t) => {
  const program = `
    import Module from 'node:module'
    const resolve = Module._resolveFilename
    let asked = 0
    Module._resolveFilename = (name, ...rest) => {
      if (name !== '@node-rs/crc32') return resolve(name, ...rest)
      asked++
      throw new Error('not installed')
    }
    const { crc32c } = await import('./src/protocol/crc32c.ts')
    const found = [1, 2].map(() => crc32c(Buffer.alloc(4096, 7)))
    console.log(asked, ...found)`
  const options = ['--import=tsx', '--input-type=module', '--eval', program]
  const said = execFileSync(process.execPath, options, { encoding: 'utf8' })
  const wanted = crc32c(Buffer.alloc(4096, 7))
  t.equal(said, `1 ${wanted} ${wanted}\n`, 'and it is asked for once')
})
