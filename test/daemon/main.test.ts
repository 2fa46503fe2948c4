import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { program } from '../programs.ts'

const refused = [
  { name: 'no data directory', flags: [], says: /^zooweeperd: .*dataDir/ },
  { name: 'a bad value', flags: ['--data-dir=x', '--client-port=http'], says: /client-port=http/ },
  {
    name: 'a place where no directory can be created',
    flags: ['--data-dir=/proc/zooweeper/data', '--log-level=warn'],
    says: /^zooweeperd: Cannot use data-dir=.proc.* from the command line as data directory: .*\n$/,
  },
  {
    name: 'an invalid address',
    flags: ['--data-dir=.', '--client-port=0', '--server.1=a:b:c'],
    says: /server.1=a:b:c from the command line/,
  },
]
for (const { name, flags, says } of refused) {
  t.test(`exit code 2: ${name}`, async (t) => {
    const { status, stderr, stdout } = spawnSync(process.execPath, [program('daemon'), ...flags], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] },
    })
    t.equal(status, 2)
    t.match(stderr, says)
    t.equal(stdout, '')
  })
}

t.test('--help is printed, and nothing is started', async (t) => {
  const { status, stdout } = spawnSync(process.execPath, [program('daemon'), '--help'], {
    encoding: 'utf8',
  })
  t.equal(status, 0)
  t.match(stdout, /zooweeperd/)
})

t.test('it runs until SIGTERM and exits 0; one that cannot start exits 1', async (t) => {
  const dataDir = join(t.testdir(), 'data')
  const flags = [
    `--data-dir=${dataDir}`,
    '--client-port=0',
    '--client-port-address=127.0.0.1',
    '--log-segment-bytes=4194304',
  ]
  const umask = process.umask(0)
  t.teardown(() => process.umask(umask))
  const child = spawn(process.execPath, [program('daemon'), ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  let log = ''
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk) => {
      log += String(chunk)
      if (log.includes('"Leading"')) resolve()
    })
    child.on('exit', () => resolve())
  })
  const second = spawnSync(process.execPath, [program('daemon'), ...flags], { encoding: 'utf8' })
  t.equal(second.status, 1)
  t.match(second.stdout, new RegExp(`process ${child.pid} is using it`))
  child.kill('SIGTERM')
  t.same(await exited, [0, null])
  t.match(log, /"msg":"Stopped"/)

  const made = readdirSync(dataDir, { recursive: true, encoding: 'utf8' })
  t.ok(made.length > 5, 'files of the log, of LevelDB, and our own')
  for (const name of ['.', ...made]) {
    const { mode } = statSync(join(dataDir, name))
    t.equal(mode & 0o077, 0, `${name} is for its user alone, whatever the umask`)
  }
})
