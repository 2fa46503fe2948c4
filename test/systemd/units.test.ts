import { spawnSync } from 'node:child_process'
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { brokerProgram } from '../../src/broker/config-rows.ts'
import { daemonProgram } from '../../src/daemon/config-rows.ts'
import { sampleConfig } from '../../src/option-help.ts'

const directory = fileURLToPath(new URL('../../systemd', import.meta.url))
const units = readdirSync(directory).filter((name) => /\.(service|target)$/.test(name))
const services = units.filter((name) => name.endsWith('.service'))

const { error } = spawnSync('systemd-analyze', ['--version'])
const skip = error === undefined ? false : 'systemd-analyze is not installed'

function analyze(...args: readonly string[]) {
  const environment = { ...process.env, LC_ALL: 'C' }
  return spawnSync('systemd-analyze', args, { encoding: 'utf8', env: environment })
}

t.test('the units are those that the manual installs', async (t) => {
  t.same(units.sort(), [
    'mimicqd@.service',
    'zooweeper-servers.target',
    'zooweeper.target',
    'zooweeperd@.service',
  ])
})

t.test('systemd understands every line of every unit', { skip }, async (t) => {
  const copies = t.testdir()
  for (const unit of units) copyFileSync(join(directory, unit), join(copies, unit))
  for (const unit of units) {
    const { status, stdout, stderr } = analyze('verify', join(copies, unit))
    t.equal(status, 0, unit)
    // An unknown key is only a warning to it.
    t.equal(stdout + stderr, '', unit)
  }
  const broken = join(copies, 'broken.service')
  writeFileSync(broken, '[Service]\nExecStart=/usr/bin/env true\nProtectSytem=strict\n')
  t.match(analyze('verify', broken).stderr, /ProtectSytem/, 'and would have said so')
})

t.test('the services are exposed to little', { skip }, async (t) => {
  for (const unit of services) {
    // In tenths: 20 is 2.0, "OK"; a plain unit has above 90.
    const args = ['security', '--offline=true', '--threshold=20', join(directory, unit)]
    const { status, stdout } = analyze(...args)
    t.equal(status, 0, stdout.trim().split('\n').at(-1) ?? unit)
  }
})

t.test('the services run the programs of this package', async (t) => {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  const programs = Object.keys((JSON.parse(manifest) as { bin: object }).bin)
  for (const unit of services.filter((name) => name.endsWith('@.service'))) {
    const text = readFileSync(join(directory, unit), 'utf8')
    const program = /^ExecStart=\/usr\/bin\/env (\w+) /m.exec(text)?.[1] ?? ''
    t.ok(programs.includes(program), `${unit}: ${program}`)
    t.equal(unit, `${program}@.service`)
  }
})

t.test('the sample configurations are what the programs print', async (t) => {
  const samples = {
    'zoo.cfg': sampleConfig(daemonProgram),
    'mimicq.cfg': sampleConfig(brokerProgram),
  }
  for (const [name, printed] of Object.entries(samples)) {
    t.equal(readFileSync(join(directory, name), 'utf8'), printed, name)
  }
})
