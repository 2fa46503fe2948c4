// test/run.ts in a small project of its own.

import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'

const runner = fileURLToPath(new URL('../run.ts', import.meta.url))

function run(t: Test, files: Readonly<Record<string, string>>, ...args: string[]) {
  const cwd = t.testdir({ '.taprc': 'timeout: 20\nserial:\n  - test/alone\n' })
  for (const [name, body] of Object.entries(files)) {
    mkdirSync(join(cwd, 'test', name, '..'), { recursive: true })
    writeFileSync(join(cwd, 'test', name), `import t from 'tap'\n${body}\n`)
  }
  const node = ['--import=tsx', runner, '--jobs=2', '--reporter=tap', ...args]
  const env = { ...process.env, TAP: undefined, TAP_TIMEOUT: undefined }
  return spawnSync(process.execPath, node, { cwd, env, encoding: 'utf8' })
}

t.test('every test file is run, or those below a directory', async (t) => {
  const files = {
    'alone/two.test.ts': "t.pass('two')",
    'helper.ts': "t.fail('no test')",
    // What a test starts has none of the runner's module hooks.
    'one.test.ts': `import { execFileSync } from 'node:child_process'
      const options: string = '[process.env.NODE_OPTIONS, process.execArgv.length].join()'
      t.equal(execFileSync(process.execPath, ['-p', options], { encoding: 'utf8' }), ',2\\n')`,
  }
  const { status, stdout } = run(t, files)
  t.equal(status, 0)
  t.match(stdout, /^ok \d - test.one/m, stdout)
  t.match(stdout, /^ok \d - test.alone.two/m)
  t.notMatch(stdout, 'no test')
  t.match(run(t, files, 'test/alone').stdout, /^1\.\.1\n.*ok 1 - two/ms)
})

t.test('a file that fails fails the run, and stops no other', async (t) => {
  const { status, stdout, stderr } = run(t, {
    'assertion.test.ts': "t.test('a claim', async (t) => t.equal(1, 2, 'one is two'))",
    'end.test.ts': "t.test('x', async () => process.exit(3))",
    'exception.test.ts': "throw new Error('x')",
    'good.test.ts': 't.pass()',
  })
  t.ok(status)
  for (const name of ['assertion', 'end', 'exception']) {
    t.match(stdout, new RegExp(`^not ok \\d - test.${name}`, 'm'))
  }
  t.match(stderr, /^Failed:\n(.*\n)*.*test\/assertion\.test\.ts > .*a claim.*one is two/m)
  t.match(stderr, 'test/exception.test.ts')
  t.notMatch(stderr, 'good')
  t.match(stdout, /^ok \d - test.good/m)
})
