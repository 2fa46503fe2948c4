import { statSync } from 'node:fs'
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
