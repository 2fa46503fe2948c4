import t from 'tap'
import {
  basename,
  childPath,
  isChildOf,
  parentOf,
  pathProblem,
  sequentialSuffix,
} from '../../src/protocol/path.ts'

const valid = ['/', '/a', '/a/b', '/ a b', '/...', '/.a', '/a..b', '/a.', '/漢字', '/é', '/~']
const invalid = [
  '',
  'a',
  'a/b',
  '//',
  '/a/',
  '/a//b',
  '/.',
  '/..',
  '/a/./b',
  '/a/../b',
  '/a/..',
  '/a\u0000b',
  '/a\u0001',
  '/a\u001f',
  '/a\u007f',
  '/a\u009f',
  '/\ud800',
  '/\u{1f600}',
  '/\uf8ff',
  '/\ufff0',
  '/\uffff',
]

for (const path of valid) {
  t.test(`${JSON.stringify(path)} is a path`, async (t) => {
    t.equal(pathProblem(path), undefined)
  })
}
for (const path of invalid) {
  t.test(`${JSON.stringify(path)} is no path`, async (t) => {
    t.type(pathProblem(path), 'string')
  })
}

t.test('a sequential create may end in a slash, because digits follow', async (t) => {
  t.equal(pathProblem('/q/', { sequential: true }), undefined)
  t.equal(pathProblem('/', { sequential: true }), undefined)
  t.type(pathProblem('/q//', { sequential: true }), 'string')
})

t.test('paths are taken apart and put together', async (t) => {
  t.equal(parentOf('/a'), '/')
  t.equal(parentOf('/a/b/c'), '/a/b')
  const paths = ['/', '/a', '/b', '/ab', '/a/b', '/a/b/c', '/ab/c', '/b/a/c', '/a/b/cd']
  for (const path of paths.slice(1)) {
    for (const parent of [...paths, '']) {
      t.equal(isChildOf(path, parent), parentOf(path) === parent, `${parent} of ${path}`)
    }
  }
  t.equal(basename('/a/b'), 'b')
  t.equal(childPath('/', 'a'), '/a')
  t.equal(childPath('/a', 'b'), '/a/b')
})

t.test('a sequential suffix has ten digits and wraps like an int32', async (t) => {
  t.equal(sequentialSuffix(0), '0000000000')
  t.equal(sequentialSuffix(42), '0000000042')
  t.equal(sequentialSuffix(2147483647), '2147483647')
  t.equal(sequentialSuffix(2147483648), '-2147483648')
  t.equal(sequentialSuffix(-5), '-000000005', 'as Java writes %010d')
})
