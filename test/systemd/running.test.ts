// The units under a real systemd: three servers and three brokers as they are installed, with the
// watchdog's patience shortened.

import t from 'tap'
import { boxProblem, ownUnits, SystemdBox } from './box.ts'

/** For a machine that does much else. */
const patienceMs = 60_000

const ids = [1, 2, 3]
const servers = ids.map((id) => `zooweeperd@${id}.service`)
const brokers = ids.map((id) => `mimicqd@${id}.service`)

function install(box: SystemdBox): void {
  for (const [name, text] of ownUnits()) box.write(`/etc/systemd/system/${name}`, text)
  const lines = ids.map((id) => `server.${id}=127.0.0.1:${2887 + id}:3888;${2180 + id}\n`)
  box.write('/etc/zooweeper/zoo.cfg', lines.join(''))
  const addresses = ids.map((id) => `127.0.0.1:${2180 + id}`).join(',')
  box.write('/etc/zooweeper/mimicq.cfg', `zooweeper=${addresses}\n`)
  for (const id of ids) box.write(`/etc/default/mimicqd-${id}`, `MQ_PORT=${9090 + id}\n`)
  const short = '[Service]\nWatchdogSec=3\n'
  for (const unit of ['zooweeperd@1', 'mimicqd@1']) {
    box.write(`/etc/systemd/system/${unit}.service.d/short.conf`, short)
  }
  const bad = '[Service]\nEnvironment=ZW_CLIENT_PORT=http\n'
  box.write('/etc/systemd/system/zooweeperd@8.service.d/bad.conf', bad)
  const nowhere =
    '[Service]\nExecStart=\nExecStart=/usr/bin/env zooweeperd --data-dir /proc/nowhere\n'
  box.write('/etc/systemd/system/zooweeperd@9.service.d/nowhere.conf', nowhere)
  box.ok('systemctl', 'daemon-reload')
}

const skip = boxProblem() ?? false

t.test('under a real systemd', { skip, bail: true, timeout: 8 * patienceMs }, async (t) => {
  const box = await SystemdBox.boot({ patienceMs })
  t.teardown(() => box.down())
  install(box)

  await t.test('all start with one command, and say what they do', async (t) => {
    box.ok('systemctl', 'enable', '--now', 'zooweeper.target', ...servers, ...brokers)
    for (const unit of [...servers, ...brokers])
      t.equal(box.property(unit, 'ActiveState'), 'active')
    const state = /^(leader|follower), epoch \d+( of server \d)?: zxid 0x[0-9a-f]+, \d+ sessions$/
    const states: string[] = []
    for (const unit of servers) {
      states.push(await box.until(unit, 'StatusText', state, patienceMs))
    }
    t.equal(states.filter((text) => text.startsWith('leader')).length, 1)
    for (const [i, unit] of brokers.entries()) {
      const text = new RegExp(`^broker ${i + 1}, .*controller.*: leads 0 of its 0 partitions$`)
      t.match(await box.until(unit, 'StatusText', text, patienceMs), text)
    }
  })

  await t.test('brokers stop before servers, and end their sessions', async (t) => {
    box.ok('systemctl', 'stop', 'zooweeper.target')
    for (const unit of [...servers, ...brokers]) {
      await box.until(unit, 'ActiveState', /^inactive$/, patienceMs)
    }
    const atUs = (unit: string, event: string) => Number(box.property(unit, `${event}Monotonic`))
    const ended = brokers.map((unit) => atUs(unit, 'InactiveEnterTimestamp'))
    const asked = servers.map((unit) => atUs(unit, 'ActiveExitTimestamp'))
    t.ok(Math.max(...ended) > 0)
    t.ok(Math.min(...asked) >= Math.max(...ended), 'no server was asked to stop before')
    box.ok('systemctl', 'start', 'zooweeper.target')
    for (const unit of brokers) {
      await box.until(unit, 'ActiveState', /^active$/, patienceMs)
      const messages = box.journal(unit).map(({ message }) => message)
      t.equal(messages.filter((message) => message.includes('"msg":"Registered"')).length, 2)
      t.notOk(messages.some((message) => message.includes('Waiting for an earlier session')))
    }
  })

  for (const unit of ['zooweeperd@1.service', 'mimicqd@1.service']) {
    await t.test(`the watchdog restarts a ${unit} that stands still`, async (t) => {
      const pid = box.property(unit, 'MainPID')
      box.ok('kill', '-STOP', pid)
      await box.until(unit, 'NRestarts', /^1$/, patienceMs)
      await box.until(unit, 'ActiveState', /^active$/, patienceMs)
      t.not(box.property(unit, 'MainPID'), pid)
    })
  }

  await t.test('none is restarted while it works', async (t) => {
    const unit = 'zooweeperd@1.service'
    const pid = box.property(unit, 'MainPID')
    // Signs of life, more of them than the watchdog waits for.
    for (let i = 0; i < 5; i++) {
      const last = box.property(unit, 'WatchdogTimestampMonotonic')
      await box.until(unit, 'WatchdogTimestampMonotonic', new RegExp(`^(?!${last}$)`), patienceMs)
    }
    t.equal(box.property(unit, 'MainPID'), pid)
    for (const each of servers.slice(1)) t.equal(box.property(each, 'NRestarts'), '0')
  })

  await t.test('lines of the log have priorities', async (t) => {
    const lines = brokers.flatMap((unit) => box.journal(unit))
    const priorities = (level: number) =>
      new Set(
        lines
          .filter(({ message }) => message.includes(`"level":${level},`))
          .map(({ priority }) => priority),
      )
    t.same([...priorities(30)], [6])
    t.same([...priorities(40)], [4])
  })

  for (const unit of ['zooweeperd@8.service', 'zooweeperd@9.service']) {
    await t.test(
      `a refused start stays down, with its reason as the last line: ${unit}`,
      async (t) => {
        t.not(box.run('systemctl', 'start', unit).status, 0)
        t.equal(box.property(unit, 'ActiveState'), 'failed')
        t.equal(box.property(unit, 'ExecMainStatus'), '2')
        t.equal(box.property(unit, 'NRestarts'), '0')
        const said = box.journal(unit).filter(({ message }) => message.startsWith('zooweeperd: '))
        t.match(said, [{ priority: 3, message: /^zooweeperd: Cannot use / }])
      },
    )
  }
})
