import { spawnSync } from 'node:child_process'
import net from 'node:net'
import t from 'tap'
import { program } from '../programs.ts'

function run(...flags: string[]) {
  return spawnSync(process.execPath, [program('broker'), ...flags], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] },
  })
}

const refused = [
  { name: 'no id', flags: ['--data-dir=x'], says: /^mimicqd: .*id/ },
  { name: 'a bad value', flags: ['--id=1', '--data-dir=x', '--port=http'], says: /port=http/ },
  {
    name: 'a place where no directory can be created',
    flags: ['--id=1', '--data-dir=/proc/mimicq/data', '--log-level=warn'],
    says: /^mimicqd: Cannot use data-dir=.proc.* from the command line as data directory: .*\n$/,
  },
]
for (const { name, flags, says } of refused) {
  t.test(`exit code 2: ${name}`, async (t) => {
    const { status, stderr, stdout } = run(...flags)
    t.equal(status, 2)
    t.match(stderr, says)
    t.equal(stdout, '')
  })
}

t.test('--help is printed, and nothing is started', async (t) => {
  const { status, stdout } = run('--help')
  t.equal(status, 0)
  t.match(stdout, /min-insync-replicas/)
})

t.test('exit code 1: a busy port, no ensemble', async (t) => {
  const busy = net.createServer()
  await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve))
  const { port } = busy.address() as net.AddressInfo
  const flags = ['--id=1', `--data-dir=${t.testdir()}`, '--connect-timeout=200']
  const onBusyPort = run(...flags, `--port=${port}`)
  t.equal(onBusyPort.status, 1)
  t.match(onBusyPort.stdout, new RegExp(`EADDRINUSE.*${port}`))
  t.match(onBusyPort.stdout, `on port=${port} from the command line: another process`)
  await new Promise((resolve) => busy.close(resolve))
  const alone = run(...flags, '--port=0', `--zooweeper=127.0.0.1:${port}`)
  t.equal(alone.status, 1)
  t.match(alone.stdout, /no server served us/)
})
