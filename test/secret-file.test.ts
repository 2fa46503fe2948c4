import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { RefusedStartError } from '../src/refused-start.ts'
import { readGivenSecretFile, readPasswordFile, readSecretFile } from '../src/secret-file.ts'

const randomBytes = (count: number) => new Uint8Array(count).fill(7)

function reading(path: string): () => Buffer {
  return () => readSecretFile({ path, quoted: '--secret-file', randomBytes })
}

t.test('a missing file is made for its owner alone, and then read', async (t) => {
  const directory = t.testdir()
  const path = join(directory, 'secret')
  const made = reading(path)()
  t.equal(made.toString(), Buffer.alloc(32, 7).toString('base64url'))
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.same(readdirSync(directory), ['secret'], 'and nothing beside it')
  t.same(reading(path)(), made)
})

t.test('the end of the line is no part of the secret', async (t) => {
  const path = join(t.testdir(), 'secret')
  const texts = ['0123456789abcdef', '0123456789abcdef\n', '0123456789abcdef\r\n']
  const secrets = texts.map((text) => {
    writeFileSync(path, text, { mode: 0o600 })
    return reading(path)().toString()
  })
  t.same(new Set(secrets), new Set([texts[0]]))
  t.equal(readFileSync(path, 'utf8'), texts[2], 'the file stays as it is')
})

const refusals: Readonly<Record<string, [(path: string) => void, RegExp]>> = {
  'readable by all': [
    (path) => {
      writeFileSync(path, '0123456789abcdef')
      chmodSync(path, 0o644)
    },
    /open to other users: chmod 600/,
  ],
  'too short': [(path) => writeFileSync(path, 'secret\n', { mode: 0o600 }), /holds 6 bytes/],
  empty: [(path) => writeFileSync(path, '', { mode: 0o600 }), /holds 0 bytes/],
  'too large': [
    (path) => writeFileSync(path, 'x'.repeat(5000), { mode: 0o600 }),
    /5000 bytes: it is not a secret/,
  ],
  'a directory': [(path) => mkdirSync(path, { mode: 0o700 }), /EISDIR/],
}
for (const [what, [make, found]] of Object.entries(refusals)) {
  t.test(`a file is refused: ${what}`, async (t) => {
    const path = join(t.testdir(), 'secret')
    make(path)
    t.throws(reading(path), { message: /^Cannot use --secret-file as the secret/ })
    t.throws(reading(path), { message: found })
    t.throws(reading(path), RefusedStartError)
  })
}

t.test('a file that has to be there is not made', async (t) => {
  const directory = t.testdir()
  const path = join(directory, 'secret')
  const read = () => readGivenSecretFile({ path, quoted: 'peerSecretFile' })
  const message = /^Cannot use peerSecretFile as the secret: there is no .*: make it with zw secret/
  t.throws(read, { name: 'RefusedStartError', message })
  t.same(readdirSync(directory), [])
  const made = reading(path)()
  t.same(read(), made)
})

t.test('a password is read from a file that other users cannot read', async (t) => {
  const path = join(t.testdir(), 'password')
  writeFileSync(path, ' open sesame \r\n', { mode: 0o600 })
  t.equal(readPasswordFile(path), ' open sesame ', 'spaces are part of it')
  for (const mode of [0o640, 0o400]) {
    chmodSync(path, mode)
    t.equal(readPasswordFile(path), ' open sesame ', mode.toString(8))
  }
  for (const mode of [0o644, 0o604, 0o602, 0o660, 0o666]) {
    chmodSync(path, mode)
    t.throws(() => readPasswordFile(path), { message: /open to other users: chmod 600 it/ })
  }
  t.throws(() => readPasswordFile(`${path}.none`), { code: 'ENOENT' })
})

t.test('a file that cannot be made is refused', async (t) => {
  const path = join(t.testdir(), 'missing', 'secret')
  t.throws(reading(path), { message: /ENOENT/ })
  t.throws(reading(path), RefusedStartError)
})
