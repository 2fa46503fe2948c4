import { spawnSync } from 'node:child_process'
import { statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { makeDirectory } from '../src/make-directory.ts'

t.test('directories are made as needed, and one that is there is fine', async (t) => {
  const path = join(t.testdir({ file: '' }), 'a', 'b', 'c')
  makeDirectory(path)
  t.ok(statSync(path).isDirectory())
  makeDirectory(path)
  t.throws(() => makeDirectory(join(path, '../../../file')), { code: 'EEXIST' })
})

t.test('what is made is for its user alone, whatever the umask', async (t) => {
  const root = t.testdir()
  const umask = process.umask(0)
  t.teardown(() => process.umask(umask))
  makeDirectory(join(root, 'a', 'b'))
  for (const name of ['a', 'a/b']) t.equal(statSync(join(root, name)).mode & 0o777, 0o700, name)
})

t.test('a place where nothing can be made is an error, and not an endless loop', async (t) => {
  const module = new URL('../src/make-directory.ts', import.meta.url).href
  const script = `import { makeDirectory } from '${module}'
try { makeDirectory(process.argv[1]) } catch ({ code }) { console.log(code) }`
  // In a process of its own, which a loop would hold.
  const codeFor = (path: string) => {
    const args = ['--import=tsx', '--input-type=module', '-e', script, path]
    const ended = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 20_000 })
    return ended.stdout.trim()
  }
  t.equal(codeFor('/proc/zooweeper/data'), 'ENOENT')
  const root = t.testdir({ file: '' })
  symlinkSync('nowhere', join(root, 'dangling'))
  t.equal(codeFor(join(root, 'file', 'data')), 'ENOTDIR')
  t.equal(codeFor(join(root, 'dangling', 'data')), 'ENOENT')
  t.equal(codeFor(join(root, 'dangling')), 'ENOENT')
})
