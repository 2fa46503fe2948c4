import t from 'tap'
import { silentLogger } from '../src/logger.ts'
import { RefusedStartError } from '../src/refused-start.ts'
import { type Host, type Part, runUntilStopped, Stoppable } from '../src/stoppable.ts'
import { VirtualClock } from './virtual-clock.ts'

/** A part that records its start and stop. */
function part(name: string, events: string[], overrides: Partial<Part> = {}): Part {
  return {
    name,
    start: () => void events.push(`start ${name}`),
    stop: () => void events.push(`stop ${name}`),
    ...overrides,
  }
}

/** One turn of the event loop: everything already resolved has run. */
const turn = () => new Promise((resolve) => setImmediate(resolve))

t.test('parts start in order and stop in reverse, once', async (t) => {
  const events: string[] = []
  const stoppable = new Stoppable([part('a', events), part('b', events)], silentLogger)
  await stoppable.start()
  t.same(await Promise.all([stoppable.stop(), stoppable.stop()]), [true, true])
  t.same(events, ['start a', 'start b', 'stop b', 'stop a'])
})

t.test('a part that cannot start keeps later ones from starting, and is not stopped', async (t) => {
  const events: string[] = []
  const broken = part('b', events, { start: () => Promise.reject(new Error('port is busy')) })
  const stoppable = new Stoppable([part('a', events), broken, part('c', events)], silentLogger)
  await t.rejects(stoppable.start(), /port is busy/)
  await stoppable.stop()
  t.same(events, ['start a', 'stop a'])
})

t.test('a part that cannot stop does not keep the others running', async (t) => {
  const events: string[] = []
  const broken = part('b', events, { stop: () => Promise.reject(new Error('stuck')) })
  const stoppable = new Stoppable([part('a', events), broken], silentLogger)
  await stoppable.start()
  t.equal(await stoppable.stop(), false)
  t.same(events, ['start a', 'start b', 'stop a'])
})

t.test('a stop during the start waits for the part in work and starts no other', async (t) => {
  const events: string[] = []
  let ready: () => void = () => undefined
  const slow = part('a', events, {
    start: () =>
      new Promise((resolve) => {
        ready = resolve
      }),
  })
  const stoppable = new Stoppable([slow, part('b', events)], silentLogger)
  const started = stoppable.start()
  const stopped = stoppable.stop()
  await turn()
  t.same(events, [])
  ready()
  await Promise.all([started, stopped])
  t.same(events, ['stop a'])
})

function fakeProcess() {
  const listeners = new Map<string, (error: unknown) => void>()
  const exits: number[] = []
  const host: Host = {
    on: (event: string, listener: (error: unknown) => void) => listeners.set(event, listener),
    exit: (code) => void exits.push(code),
  }
  const clock = new VirtualClock()
  const emit = (event: string, error?: unknown) => listeners.get(event)?.(error)
  return { host, clock, exits, emit }
}

function run(parts: readonly Part[]) {
  const world = fakeProcess()
  const told: string[] = []
  const refused: string[] = []
  const end = runUntilStopped({
    parts,
    logger: silentLogger,
    clock: world.clock,
    stopDeadlineMs: 5_000,
    notify: (state) => void told.push(state),
    onRefused: ({ message }) => void refused.push(message),
    host: world.host,
  })
  return { ...world, told, refused, end }
}

t.test('SIGTERM stops the parts, tells the service manager and exits 0', async (t) => {
  const events: string[] = []
  const world = run([part('a', events)])
  await turn()
  t.same(world.told, ['ready'])
  world.emit('SIGTERM')
  await turn()
  t.same(events, ['start a', 'stop a'])
  t.same(world.told, ['ready', 'stopping'])
  t.same(world.exits, [0])
})

t.test('a second signal does not wait', async (t) => {
  const world = run([part('a', [], { stop: () => new Promise(() => undefined) })])
  await turn()
  world.emit('SIGINT')
  await turn()
  t.same(world.exits, [])
  world.emit('SIGINT')
  t.same(world.exits, [1])
})

t.test('a stop that takes too long ends the process with 1', async (t) => {
  const world = run([part('a', [], { stop: () => new Promise(() => undefined) })])
  await turn()
  world.emit('SIGTERM')
  world.clock.advanceNow(5_000)
  t.same(world.exits, [1])
})

t.test('a failed start exits 1 and never says it is ready', async (t) => {
  const events: string[] = []
  const broken = part('b', events, { start: () => Promise.reject(new Error('port is busy')) })
  const world = run([part('a', events), broken])
  await turn()
  t.same(world.exits, [1])
  t.same(events, ['start a', 'stop a'])
  t.notOk(world.told.includes('ready'))
})

t.test('a refused start undoes what was started, tells why, and exits 2', async (t) => {
  const events: string[] = []
  const refuse = () => Promise.reject(new RefusedStartError('no such place'))
  const world = run([part('a', events), part('b', events, { start: refuse })])
  await turn()
  t.same(world.exits, [2])
  t.same(world.refused, ['no such place'])
  t.same(events, ['start a', 'stop a'])
  t.same(world.told, [])
})

t.test('an uncaught error exits 1 without an orderly stop', async (t) => {
  const events: string[] = []
  const world = run([part('a', events)])
  await turn()
  world.emit('uncaughtException', new Error('invariant broken'))
  t.same(world.exits, [1])
  t.same(events, ['start a'])
})

t.test('the program can end itself, well or with an error', async (t) => {
  const well = run([])
  await turn()
  well.end()
  await turn()
  t.same(well.exits, [0])
  const badly = run([])
  await turn()
  badly.end(new Error('disk failed'))
  await turn()
  t.same(badly.exits, [1])
})
