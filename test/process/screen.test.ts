import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { program, startWorld, until, Zw } from './world.ts'

const hasTmux = spawnSync('tmux', ['-V']).status === 0

/** A terminal of its own, in which a program runs. */
class Terminal {
  readonly #socket = `zw-test-${process.pid}-${Math.floor(Math.random() * 1e9)}`

  constructor(t: Test, command: readonly string[], { columns = 80, rows = 24 } = {}) {
    const quoted = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
    const size = ['-x', String(columns), '-y', String(rows)]
    // The shell stays behind, to show what the program left.
    const line = `LANG=C.UTF-8 TERM=tmux-256color ${quoted}; echo "exit code $?"; exec cat`
    this.#tmux('-f', '/dev/null', 'new-session', '-d', ...size, line)
    t.teardown(() => {
      this.#tmux('kill-server')
    })
  }

  #tmux(...args: readonly string[]): string {
    return execFileSync('tmux', ['-L', this.#socket, ...args], { encoding: 'utf8' })
  }

  /** Of what runs in it, below the shell. */
  programPid(): number {
    const shell = this.#tmux('list-panes', '-F', '#{pane_pid}').trim()
    return Number(readFileSync(`/proc/${shell}/task/${shell}/children`, 'utf8').trim())
  }

  press(...keys: readonly string[]): void {
    this.#tmux('send-keys', ...keys)
  }

  resize(columns: number, rows: number): void {
    this.#tmux('resize-window', '-x', String(columns), '-y', String(rows))
  }

  lines(): string[] {
    return this.#tmux('capture-pane', '-p').split('\n')
  }

  /** Until this is on the screen. @returns the whole of it */
  async sees(like: RegExp): Promise<string> {
    try {
      return await until(`the screen shows ${like}`, () => {
        const text = this.lines().join('\n')
        return like.test(text) ? text : undefined
      })
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${this.lines().join('\n')}`)
    }
  }
}

/** Minutes of the goals on the screen, from top to bottom. */
function minutesOn(text: string): number[] {
  return [...text.matchAll(/│ *(\d+)' /g)].map(([, minute]) => Number(minute))
}

t.test(
  'npm start on a terminal',
  { skip: hasTmux ? false : 'tmux is not installed' },
  async (t) => {
    const terminal = new Terminal(t, [
      process.execPath,
      ...program('cli/main'),
      'start',
      '--rate',
      '10',
    ])

    t.test('goals are seen, in order of minute', async (t) => {
      const text = await terminal.sees(/│ +30' /)
      const minutes = minutesOn(text)
      t.ok(minutes.length >= 10)
      t.same(
        minutes,
        minutes.map((_, i) => (minutes[0] ?? 0) + i),
      )
      t.match(text, /LIVE .* goals +broker \d .*lag \d/)
      t.match(text, /[123] leader +127\.0\.0\.1:\d+/)
      t.match(text, /[123] leader, controller|[123] leader/)
    })

    t.test('pause stops them, and again lets them go on', async (t) => {
      terminal.press('Space')
      const paused = minutesOn(await terminal.sees(/PAUSED/)).at(-1) ?? 0
      await terminal.sees(/PAUSED .*lag [1-9]\d/)
      const later = minutesOn(terminal.lines().join('\n')).at(-1) ?? 0
      t.ok(later - paused <= 3, 'what had come already may still be shown')
      terminal.press('Space')
      await terminal.sees(/LIVE/)
      await until('later goals are shown', () =>
        (minutesOn(terminal.lines().join('\n')).at(-1) ?? 0) > later + 10 ? true : undefined,
      )
      t.pass('they go on')
    })

    t.test('scrolling stays where it is, until it is told to follow', async (t) => {
      terminal.press('Home')
      const first = minutesOn(await terminal.sees(/\d+ below/))
      t.equal(first[0], 1)
      await terminal.sees(/[5-9]\d below|\d{3} below/)
      t.equal(minutesOn(terminal.lines().join('\n'))[0], 1)
      terminal.press('f')
      await terminal.sees(/─ goals by minute ─/)
      t.ok((minutesOn(terminal.lines().join('\n')).at(-1) ?? 0) > 50)
    })

    t.test('help comes and goes', async (t) => {
      terminal.press('?')
      t.match(await terminal.sees(/keys/), /kill the server that leads the ensemble/)
      terminal.press('Escape')
      await until('it is gone', () =>
        terminal.lines().join('\n').includes('pause and resume') ? undefined : true,
      )
      t.pass('gone')
    })

    t.test('a smaller terminal, a tiny one, and back', async (t) => {
      terminal.resize(60, 16)
      const small = await terminal.sees(/player +│\n/)
      t.notMatch(small, /servers/)
      terminal.resize(30, 5)
      await terminal.sees(/make this terminal/)
      terminal.resize(80, 24)
      t.match(await terminal.sees(/brokers/), /events/)
    })

    t.test('the leader is killed by its key, and it heals', async (t) => {
      terminal.press('l')
      const killed = /killed server-(\d), the leader/.exec(
        await terminal.sees(/killed server/),
      )?.[1]
      const healed = await terminal.sees(/takes writes again after \d+ ms/)
      const gapMs = Number(/takes writes again after (\d+) ms/.exec(healed)?.[1])
      t.comment(`the ensemble took writes again after ${gapMs} ms`)
      t.ok(gapMs < 1000, 'in less than a second')
      t.match(await terminal.sees(/server-\d leads after \d+ ms/), /server-\d leads/)
      await terminal.sees(new RegExp(`│ ${killed} lost `))
      terminal.press('v')
      await terminal.sees(new RegExp(`server-${killed} is back`))
      t.match(await terminal.sees(new RegExp(`│ ${killed} follower`)), /leader/)
    })

    t.test('the broker that leads is killed by its key, and it heals', async (t) => {
      terminal.press('b')
      const text = await terminal.sees(/broker \d leads goals after \d+ ms/)
      const gapMs = Number(/leads goals after (\d+) ms/.exec(text)?.[1])
      t.comment(`another broker led after ${gapMs} ms`)
      t.ok(gapMs < 3000, 'in less than three seconds')
      const before = minutesOn(await terminal.sees(/goals are stored again/)).at(-1) ?? 0
      await until('later goals are shown', () =>
        (minutesOn(terminal.lines().join('\n')).at(-1) ?? 0) > before + 10 ? true : undefined,
      )
      t.pass('goals go on')
    })

    t.test('quit gives the terminal back', async (t) => {
      terminal.press('q')
      const text = await terminal.sees(/exit code/)
      t.match(text, /stopping …\n+exit code 0/)
      t.notMatch(text, /│/)
    })
  },
)

t.test(
  'zw consume on a terminal',
  { skip: hasTmux ? false : 'tmux is not installed' },
  async (t) => {
    const { cluster } = await startWorld(t, { servers: 1, brokers: 2 })
    const server = `127.0.0.1:${cluster.member('server', 1).address.port}`
    const produce = async (...flags: string[]) => {
      t.equal(await new Zw(t, ['produce', ...flags, '-s', server]).closed(), 0)
    }
    await produce('goals', '--goals', '40')
    const command = [process.execPath, ...program('cli/main'), 'consume', 'goals', '-s', server]

    t.test('the broker that it reads from dies: it moves to another', async (t) => {
      const terminal = new Terminal(t, [...command, '--from-beginning'])
      const before = await terminal.sees(/broker [12] [\s\S]*│ +40' /)
      const reading = Number(/broker ([12])/.exec(before)?.[1])
      await cluster.kill(cluster.member('broker', reading))
      await terminal.sees(new RegExp(`reading from broker ${3 - reading}`))
      t.match(await terminal.sees(new RegExp(`│ ${reading} lost`)), /40 goals/)
      cluster.start(cluster.member('broker', reading))
      terminal.press('q')
      t.match(await terminal.sees(/exit code/), /exit code 0/)
    })

    t.test('it goes where its group was, and gives the terminal back on SIGTERM', async (t) => {
      const group = ['--group', 'fans']
      const first = new Zw(t, ['consume', 'goals', '-s', server, ...group, '--max', '30'])
      t.equal(await first.closed(), 0)
      const terminal = new Terminal(t, [...command, ...group])
      const text = await terminal.sees(/│ +40' /)
      t.match(text, /10 goals .*group fans/)
      t.same(minutesOn(text), [31, 32, 33, 34, 35, 36, 37, 38, 39, 40])
      process.kill(terminal.programPid(), 'SIGTERM')
      t.match(await terminal.sees(/exit code/), /exit code 0/)
      t.notMatch(terminal.lines().join('\n'), /│/)
    })
  },
)
