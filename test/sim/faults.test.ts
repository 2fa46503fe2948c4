// The faults of a life are drawn from its seed, and the printed form can be given back on the
// command line.

import t from 'tap'
import { Random } from '../../src/random.ts'
import { FaultError, pickWeighted } from './faults.ts'
import { drawFaults, mqFaults } from './mq/faults.ts'
import { drawServersFaults, serversFaults } from './servers/faults.ts'
import { liveServers } from './servers/life.ts'
import { drawZabFaults, zabFaults } from './zab/faults.ts'
import { liveZab } from './zab/life.ts'

const seeds = Array.from({ length: 200 }, (_, i) => i + 1)

t.test('the printed faults of a life parse to the same faults', async (t) => {
  for (const seed of seeds) {
    const [zab, servers, mq] = [drawZabFaults(seed), drawServersFaults(seed), drawFaults(seed)]
    const quietZab = zabFaults.parse(['brokenLinks=0', 'handovers=0', 'lonelyProposals=0'])
    t.match(zab, { ...quietZab, ...zabFaults.parse(zabFaults.list(zab)) }, `zab ${seed}`)
    t.match(servers, serversFaults.parse(serversFaults.list(servers)), `servers ${seed}`)
    t.match(mq, mqFaults.parse(mqFaults.list(mq)), `mq ${seed}`)
  }
})

t.test('only unusual values are printed, quoted if they have spaces', async (t) => {
  const usual = {
    ...drawServersFaults(1),
    crashPoint: null,
    slowDisks: [],
    servers: 3,
    observers: [],
  }
  t.notMatch(serversFaults.format(usual), /crashPoint|slowDisks|servers=/)
  const crashPoint = { when: 'before', act: 'log write' } as const
  const some = { ...usual, crashPoint, slowDisks: [1, 3], servers: 5 }
  t.match(serversFaults.format(some), /^'crashPoint=before log write' servers=5 .*slowDisks=1,3/)
})

t.test('an unknown fault is refused with the known ones', async (t) => {
  const refusals = [
    {
      given: 'pausing=1',
      found: /the faults are servers, observers, networkMs, .*, lies, transfers, hopeless/,
    },
    { given: 'pauses', found: /pauses=WEIGHT/ },
    { given: 'pauses=', found: /pauses=WEIGHT/ },
    { given: 'pauses=-1', found: /pauses=WEIGHT/ },
    { given: 'networkMs=4', found: /networkMs=LEAST\.\.MOST/ },
    { given: 'networkMs=4..1', found: /networkMs=LEAST\.\.MOST/ },
    { given: 'networkMs=1..2..3', found: /networkMs=LEAST\.\.MOST/ },
    { given: 'all=x', found: /Cannot use --fault brokenLinks=x/ },
    { given: 'constructor=1', found: /the faults are/ },
  ]
  for (const { given, found } of refusals) {
    t.throws(() => zabFaults.parse([given]), { name: 'FaultError', message: found }, given)
  }
  for (const given of ['crashPoint=before noon', 'slowDisks=0', 'slowDisks=1,x']) {
    t.throws(() => serversFaults.parse([given]), FaultError, given)
  }
})

t.test('`all` sets every weight, and later faults override it', async (t) => {
  const { servers, networkMs, ...weights } = zabFaults.parse(['all=2', 'lies=0'])
  t.match(weights, { crashes: 2, pauses: 2, lies: 0 })
  t.match([servers, networkMs], [undefined, undefined], 'properties of the world are no weights')
})

t.test('a life without faults is quiet, whatever its seed says', async (t) => {
  const quiet = zabFaults.parse(['all=0', 'hopeless=0'])
  for (const seed of [1, 2, 3]) {
    t.equal(liveZab(seed, { faults: { ...quiet, networkMs: [0.1, 4] } }).established, 1)
  }
  const faults = serversFaults.parse(['all=0', 'crashPoint=none', 'handoverAt=1000000'])
  const { coverage, established } = await liveServers(1, { faults })
  t.equal(established, 1, 'one election')
  t.notOk(['kill', 'power cut', 'partition', 'wipe'].some((what) => coverage.has(what)))
})

t.test('a fault is picked by its weight, and never with weight 0', async (t) => {
  const random = new Random(1)
  const items = [
    { item: 'often', weight: 3 },
    { item: 'never', weight: 0 },
    { item: 'seldom', weight: 0.5 },
  ]
  const counts = new Map<string, number>()
  for (let i = 0; i < 7000; i++) {
    const item = pickWeighted(items, random) ?? ''
    counts.set(item, (counts.get(item) ?? 0) + 1)
  }
  t.notOk(counts.has('never'))
  t.ok(Math.abs((counts.get('often') ?? 0) - 6000) < 200)
  t.equal(pickWeighted([{ item: 'never', weight: 0 }], random), undefined)
})
