// Runs all tests, each file in a process of its own: `npm test`. `npm test -- test/log` runs those
// below a directory. Options are tap's, from .taprc and the command line. What failed stands at the
// end of the output once more: of a long one, often only the end is kept.
//
// tap's own runner (`npx tap FILE`) starts each test, and each program that a test starts, with the
// module hooks of its coverage, which we do not use: every such process needs 0.7 s of CPU more,
// which was half of what all tests took.

import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { resolve, sep } from 'node:path'
import { TapConfig } from '@tapjs/config'
import t from 'tap'

const config = await TapConfig.load()
const { values, positionals } = config.parse()
const timeoutSeconds = values.timeout ?? 30

function isBelow(file: string, directories: readonly string[]): boolean {
  return directories.some((directory) =>
    `${resolve(file)}${sep}`.startsWith(resolve(directory) + sep),
  )
}

const files = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .map((name) => `test/${name}`)
  .filter((name) => name.endsWith('.test.ts'))
  .filter((name) => positionals.length === 0 || isBelow(name, positionals))
  .sort()

if (values.reporter !== 'tap') {
  const reporter = ['node_modules/.bin/tap', '-', `--reporter=${values.reporter}`]
  const { stdin } = spawn(process.execPath, reporter, { stdio: ['pipe', 'inherit', 'inherit'] })
  t.pipe(stdin)
}
interface Failure {
  readonly fullname: string
  readonly ok: boolean
  readonly todo: unknown
  readonly skip: unknown
  readonly diag: unknown
}

const failures: string[] = []
t.on('subtestAdd', ({ parser }) => {
  parser.on('result', ({ fullname, ok, todo, skip, diag }: Failure) => {
    if (ok || todo || skip) return
    // In one line each, for what comes on standard error may mix with other lines.
    const found = JSON.stringify(diag ?? {})
    failures.push(`${fullname}: ${found.slice(0, 1000)}`)
  })
})
process.on('exit', () => {
  if (failures.length > 0) process.stderr.write(`Failed:\n  ${failures.join('\n  ')}\n`)
})

t.setTimeout(0)
t.jobs = values.jobs ?? 1
t.plan(files.length)
const preload = new URL('preload.mjs', import.meta.url).href
for (const file of files) {
  // `env` stands between, for tap adds its hooks to the NODE_OPTIONS of what it starts.
  const node = [process.execPath, '--enable-source-maps', `--import=${preload}`]
  t.spawn('env', ['-u', 'NODE_OPTIONS', ...node, file], {
    name: file,
    buffered: !isBelow(file, values.serial ?? []),
    timeout: timeoutSeconds * 1000,
    env: { ...process.env, TAP_TIMEOUT: `${timeoutSeconds}` },
  })
}
