import { chmodSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { replaceFile } from '../src/replace-file.ts'

t.test('a file is replaced as a whole, with its permissions, also behind a link', async (t) => {
  const directory = t.testdir({ real: 'old', other: '' })
  const file = (name: string) => join(directory, name)
  chmodSync(file('real'), 0o640)
  symlinkSync('real', file('link'))
  await replaceFile(file('link'), 'new', { like: file('other') })
  t.equal(readlinkSync(file('link')), 'real')
  t.equal(readFileSync(file('real'), 'utf8'), 'new')
  t.equal(statSync(file('real')).mode & 0o777, 0o640)
  t.same(readdirSync(directory).sort(), ['link', 'other', 'real'])
})

t.test('a new file is like another one', async (t) => {
  const directory = t.testdir({ like: '' })
  chmodSync(join(directory, 'like'), 0o600)
  await replaceFile(join(directory, 'new'), 'text', { like: join(directory, 'like') })
  t.equal(readFileSync(join(directory, 'new'), 'utf8'), 'text')
  t.equal(statSync(join(directory, 'new')).mode & 0o777, 0o600)
})

t.test('a file that cannot be replaced stays, and nothing is left beside it', async (t) => {
  const directory = t.testdir({ taken: { inside: '' }, like: '' })
  const like = join(directory, 'like')
  await t.rejects(replaceFile(join(directory, 'taken'), 'text', { like }))
  await t.rejects(replaceFile(join(directory, 'no', 'where'), 'text', { like }), { code: 'ENOENT' })
  t.same(readdirSync(directory).sort(), ['like', 'taken'])
})
