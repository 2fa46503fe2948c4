// setup.mjs in a small project of its own, whose npm and tsc write down that they were called.

import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'

const lock = { packages: { '': {}, 'node_modules/typescript': { version: '1.0.0' } } }

const npm = `#!/usr/bin/env node
const fs = require('node:fs')
fs.appendFileSync('calls', 'npm ' + process.argv.slice(2).join(' ') + '\\n')
fs.mkdirSync('node_modules/typescript/bin', { recursive: true })
fs.copyFileSync('fake-tsc.js', 'node_modules/typescript/bin/tsc')
fs.copyFileSync('package-lock.json', 'node_modules/.package-lock.json')
`

const tsc = `
const fs = require('node:fs')
fs.appendFileSync('calls', 'tsc\\n')
const out = process.argv[process.argv.indexOf('--outDir') + 1]
fs.mkdirSync(out)
fs.copyFileSync('src/main.ts', out + '/main.js')
if (fs.readFileSync('src/main.ts', 'utf8').includes('wrong')) process.exit(2)
`

function project(t: Test) {
  const root = t.testdir()
  const write = (name: string, text: string, mode = 0o644) => {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text, { mode })
  }
  write('package.json', JSON.stringify({ bin: { program: './dist/main.js' } }))
  write('package-lock.json', JSON.stringify(lock))
  for (const name of ['tsconfig.json', 'tsconfig.build.json', '.taprc']) write(name, '{}')
  write('src/main.ts', '#!/usr/bin/env node\n')
  write('bin/npm', npm, 0o755)
  write('fake-tsc.js', tsc)
  for (const name of ['scripts', 'tmp']) mkdirSync(join(root, name))
  copyFileSync(new URL('../../scripts/setup.mjs', import.meta.url), join(root, 'scripts/setup.mjs'))
  return {
    at: (name: string) => join(root, name),
    write,
    /** Runs it and says which commands it ran. */
    setup(...targets: string[]) {
      rmSync(join(root, 'calls'), { force: true })
      const { status, stderr } = spawnSync('node', ['scripts/setup.mjs', ...targets], {
        cwd: root,
        encoding: 'utf8',
        env: {
          ...process.env,
          PATH: `${join(root, 'bin')}:${process.env['PATH']}`,
          NODE_OPTIONS: '',
          TMPDIR: join(root, 'tmp'),
        },
      })
      const calls = existsSync(join(root, 'calls')) ? readFileSync(join(root, 'calls'), 'utf8') : ''
      return { status, stderr, calls: calls.split('\n').filter((call) => call !== '') }
    },
  }
}

t.test(
  'a fresh clone is installed and built, with words; then nothing is left to do',
  async (t) => {
    const { setup, at } = project(t)
    const first = setup('program')
    t.equal(first.status, 0, first.stderr)
    t.match(first.calls, [/^npm ci /, 'tsc'])
    t.match(first.stderr, /Installing.*Building dist/s)
    t.equal(spawnSync(at('dist/main.js')).error, undefined, 'the program can be executed')
    const second = setup('program')
    t.same(second, { status: 0, stderr: '', calls: [] })
  },
)

t.test('what changed is done again, and only that', async (t) => {
  const { setup, write, at } = project(t)
  setup('program')
  write('src/main.ts', '#!/usr/bin/env node\n// changed\n')
  t.same(setup('program').calls, ['tsc'])
  t.match(readFileSync(at('dist/main.js'), 'utf8'), /changed/)
  write('src/other.ts', '')
  t.same(setup('program').calls, ['tsc'])
  write(
    'package-lock.json',
    JSON.stringify({ packages: { ...lock.packages, 'node_modules/a': { version: '1.0.0' } } }),
  )
  t.match(setup('program').calls, [/^npm ci/])
  t.same(setup('program').calls, [])
})

t.test('packages of other platforms may be missing, others not', async (t) => {
  const { setup, write, at } = project(t)
  setup('program')
  const installed = readFileSync(at('node_modules/.package-lock.json'), 'utf8')
  const optional = { version: '1.0.0', optional: true }
  write(
    'package-lock.json',
    JSON.stringify({ packages: { ...lock.packages, 'node_modules/a': optional } }),
  )
  t.same(setup('program').calls, [])
  t.equal(readFileSync(at('node_modules/.package-lock.json'), 'utf8'), installed)
})

t.test('an optional package of ours must be there', async (t) => {
  const { setup, write } = project(t)
  setup('program')
  const packages = {
    ...lock.packages,
    '': { optionalDependencies: { a: '^1.0.0' } },
    'node_modules/a': { version: '1.0.0', optional: true },
  }
  write('package-lock.json', JSON.stringify({ packages }))
  t.match(setup('program').calls, [/^npm ci/])
})

t.test('an interrupted run is done again', async (t) => {
  const { setup, at } = project(t)
  setup('program')
  rmSync(at('node_modules/.package-lock.json'))
  t.match(setup('program').calls, [/^npm ci/])
  rmSync(at('dist'), { recursive: true })
  mkdirSync(at('dist.new'))
  t.same(setup('program').calls, ['tsc'])
  t.notOk(existsSync(at('dist.new')))
})

t.test('a failed build leaves the old one, exits 1 and is tried again', async (t) => {
  const { setup, at } = project(t)
  setup('program')
  appendFileSync(at('src/main.ts'), '// wrong\n')
  for (let i = 0; i < 2; i++) {
    const { status, stderr, calls } = setup('program')
    t.equal(status, 1)
    t.match(stderr, /Cannot continue/)
    t.same(calls, ['tsc'])
  }
  t.notMatch(readFileSync(at('dist/main.js'), 'utf8'), /wrong/)
})

t.test("npm's hook installs nothing, and builds if there is a compiler", async (t) => {
  const { setup } = project(t)
  t.same(setup('hook'), { status: 0, stderr: '', calls: [] })
  setup('program')
  t.same(setup('hook').calls, [])
})

t.test('nothing stays in the temporary folder', async (t) => {
  const { setup, at } = project(t)
  for (const target of ['program', 'tests', 'hook']) setup(target)
  t.same(readdirSync(at('tmp')), [])
})

t.test('npm runs no script of ours where the packed program is installed', async (t) => {
  const file = new URL('../../package.json', import.meta.url)
  const { scripts, files } = JSON.parse(readFileSync(file, 'utf8')) as {
    scripts: Record<string, string>
    files: string[]
  }
  for (const hook of ['preinstall', 'install', 'postinstall', 'preprepare', 'prepare']) {
    t.notOk(hook in scripts, hook)
  }
  t.match(scripts, { prepack: /setup.mjs program/, dependencies: /setup.mjs hook/ })
  t.notOk(files.some((name) => name.startsWith('scripts')))
})
