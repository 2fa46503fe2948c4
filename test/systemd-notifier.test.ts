import { existsSync, readFileSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { type Logger, silentLogger } from '../src/logger.ts'
import type { PartStatus } from '../src/stoppable.ts'
import { systemdNotifier } from '../src/systemd-notifier.ts'
import { VirtualClock } from './virtual-clock.ts'

/** A systemd-notify that records its arguments, and a clock moved by the test. */
async function world(t: Test, environment: Record<string, string>, path?: string) {
  const directory = t.testdir({
    bin: { 'systemd-notify': `#!/bin/sh\nprintf '%s|' "$@" >> "$TOLD"; echo >> "$TOLD"\n` },
  })
  await chmod(join(directory, 'bin', 'systemd-notify'), 0o755)
  const told = join(directory, 'told')
  const before = { PATH: process.env['PATH'], TOLD: process.env['TOLD'] }
  process.env['PATH'] = path ?? `${directory}/bin:${before.PATH}`
  process.env['TOLD'] = told
  t.teardown(() => {
    process.env['PATH'] = before.PATH
    delete process.env['TOLD']
  })
  const clock = new VirtualClock()
  const status: { now: PartStatus } = { now: { state: 'leader', detail: 'zxid 1' } }
  const warnings: string[] = []
  const logger: Logger = { ...silentLogger, warn: (_, message) => void warnings.push(message) }
  const notify = systemdNotifier({
    environment,
    clock,
    logger,
    pid: 7,
    status: () => status.now,
  })
  return {
    notify,
    status,
    warnings,
    clock,
    /** Waits for this number of messages. */
    async told(count: number): Promise<string[]> {
      for (;;) {
        const text = existsSync(told) ? readFileSync(told, 'utf8') : ''
        const lines = text.split('\n').slice(0, -1)
        if (lines.length >= count) return lines
        await turn()
      }
    },
  }
}

const socket = { NOTIFY_SOCKET: '/run/notify' }
const watchdog = { ...socket, WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' }

t.test('systemd is notified of the start, the status, and the end, in order', async (t) => {
  const { notify, status, told, clock } = await world(t, socket)
  notify('ready')
  status.now = { state: 'follower', detail: 'zxid\t2\n' }
  clock.advanceNow(1000)
  status.now = { state: 'follower', detail: 'zxid 3' }
  clock.advanceNow(9999)
  clock.advanceNow(1)
  clock.advanceNow(60_000)
  notify('stopping')
  t.same(await told(4), [
    'READY=1|STATUS=leader: zxid 1|',
    'WATCHDOG=1|STATUS=follower: zxid 2 |',
    'WATCHDOG=1|STATUS=follower: zxid 3|',
    'STOPPING=1|STATUS=Stopping|',
  ])
  t.equal(clock.timerCount, 0, 'no timer is left')
})

t.test(
  'the watchdog is notified in every third of its period, as long as the event loop turns',
  async (t) => {
    const { notify, clock, told } = await world(t, watchdog)
    notify('ready')
    clock.advanceNow(30_000)
    notify('stopping')
    const alive = 'WATCHDOG=1|STATUS=leader: zxid 1|'
    t.same((await told(5)).slice(1, 4), [alive, alive, alive])
  },
)

t.test('a watchdog period below a second is notified often enough', async (t) => {
  const short = await world(t, { ...watchdog, WATCHDOG_USEC: '300000' })
  short.notify('ready')
  short.clock.advanceNow(1000)
  short.notify('stopping')
  t.equal((await short.told(12)).filter((line) => line.startsWith('WATCHDOG')).length, 10)
})

t.test('the watchdog of another process is not notified', async (t) => {
  const other = await world(t, { ...watchdog, WATCHDOG_PID: '8' })
  other.notify('ready')
  other.clock.advanceNow(60_000)
  other.notify('stopping')
  t.equal((await other.told(2)).length, 2)
})

t.test('without NOTIFY_SOCKET nothing is started', async (t) => {
  const { notify, clock } = await world(t, {})
  notify('ready')
  notify('stopping')
  t.equal(clock.timerCount, 0)
})

t.test('without systemd-notify there is one warning, and nothing else happens', async (t) => {
  const { warnings, notify, clock } = await world(t, watchdog, '/nowhere')
  notify('ready')
  while (warnings.length === 0) await turn()
  clock.advanceNow(60_000)
  notify('stopping')
  await turn()
  t.match(warnings, [/is systemd-notify installed/])
})
