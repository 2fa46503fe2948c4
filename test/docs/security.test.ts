// docs/security.md: its commands work as they are written, and the tests that it names exist.

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { readConfig } from '../../src/daemon/config.ts'
import { Credentials } from '../../src/protocol/tls/credentials.ts'
import { RecordingLogger } from '../recording-logger.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const page = readFileSync(join(root, 'docs/security.md'), 'utf8')

t.test('every test that the page names exists', async (t) => {
  const named = new Set(page.match(/test\/[\w./-]+\.test\.ts/g))
  t.ok(named.size > 3)
  for (const file of named) t.ok(existsSync(join(root, file)), file)
})

t.test('a server takes the certificate that the commands make', async (t) => {
  const [commands = '', config = ''] = [...page.matchAll(/```(?:sh)?\n([\s\S]*?)```/g)].map(
    ([, text = '']) => text,
  )
  const directory = t.testdir()
  execFileSync('sh', ['-e', '-c', commands], { cwd: directory, stdio: 'ignore' })
  const flags = config
    .replaceAll('/etc/zooweeper', directory)
    .trim()
    .split('\n')
    .map((line) => `--${line}`)
  const read = readConfig([`--data-dir=${directory}/data`, ...flags], {})
  if (read.type !== 'config') throw new Error(String(read.text))
  const { clientTls: settings, warnings } = read.config
  if (settings === undefined) throw new Error('There is no TLS')
  t.strictSame(warnings, [])
  const logger = new RecordingLogger()
  const { validUntilMs = 0 } = new Credentials({ settings, wallMs: () => Date.now(), logger })
  t.ok(validUntilMs > Date.now())
})
