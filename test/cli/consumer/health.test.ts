import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import type {
  BrokerState,
  ClusterLines,
  PartitionLine,
} from '../../../src/cli/consumer/cluster-lines.ts'
import {
  areBrokerRolesKnown,
  areServerRolesKnown,
  findings,
  findingText,
  type HealthFacts,
  staleMs,
} from '../../../src/cli/consumer/health.ts'
import type { ServerRole } from '../../../src/cli/four-letter-word.ts'

const nowMs = 50_000

const serversBy: Readonly<Record<string, readonly ServerRole[]>> = {
  'none named': [],
  'all serve': ['leader', 'follower', 'follower'],
  'one alone': ['standalone'],
  'a follower is lost': ['leader', 'follower', 'lost'],
  'a server looks': ['leader', 'follower', 'looking'],
  'all look': ['looking', 'looking', 'looking'],
  'two look, one is lost': ['looking', 'looking', 'lost'],
  'one looks, two are lost': ['looking', 'lost', 'lost'],
  'all are lost': ['lost', 'lost', 'lost'],
}

const brokersBy: Readonly<Record<string, readonly BrokerState[]>> = {
  'all up': ['up', 'up', 'up'],
  'one lost': ['up', 'up', 'lost'],
  'one joins': ['up', 'up', 'apart'],
  'all lost': ['lost', 'lost', 'lost'],
}

const whole = { partition: 0, led: true, replicas: 3, inSync: 3, storedWith: undefined }
const partitionsBy: Readonly<Record<string, readonly PartitionLine[] | undefined>> = {
  whole: [whole],
  'two in sync': [{ ...whole, inSync: 2 }],
  'one in sync': [{ ...whole, inSync: 1 }],
  'one in sync, which stored records': [{ ...whole, inSync: 1, storedWith: 1 }],
  'one of one': [{ ...whole, replicas: 1, inSync: 1 }],
  'no leader': [{ ...whole, led: false, inSync: 2 }],
  'one of two without a leader': [whole, { ...whole, partition: 1, led: false }],
  'no such topic': [],
}

function clusterOf(
  roles: readonly ServerRole[],
  states: readonly BrokerState[],
  partitions: readonly PartitionLine[] | undefined,
): ClusterLines {
  return {
    servers: roles.map((role, i) => ({ id: i + 1, address: '', role })),
    brokers: states.map((state, i) => ({
      id: i + 1,
      address: '',
      state,
      controller: false,
      leads: 0,
      replicas: 1,
      behind: 0,
      lag: 0,
    })),
    // When no broker answers, partitions are unknown.
    partitions: states.every((state) => state === 'lost') ? undefined : partitions,
    serversAtMs: roles.length === 0 ? undefined : nowMs - 100,
    brokersAtMs: nowMs - 100,
  }
}

function text(facts: Partial<HealthFacts> & Pick<HealthFacts, 'cluster'>): string {
  const found = findings({ lag: 0, rate: 5, nowMs, ...facts })
  return found.map(findingText).join(' | ')
}

t.test('every combination of servers, brokers and partitions has its words', async (t) => {
  const lines: string[] = []
  for (const [servers, roles] of Object.entries(serversBy)) {
    lines.push(`servers: ${servers}`)
    for (const [brokers, states] of Object.entries(brokersBy)) {
      for (const [partitions, some] of Object.entries(partitionsBy)) {
        const words = text({ cluster: clusterOf(roles, states, some) })
        lines.push(`  ${brokers.padEnd(10)}${partitions.padEnd(34)}${words}`)
        if (brokers === 'all lost') break
      }
    }
  }
  const found = `${lines.join('\n')}\n`
  const file = new URL('../../golden/health.txt', import.meta.url)
  if (process.env['UPDATE_GOLDEN'] !== undefined) writeFileSync(file, found)
  else t.equal(found, readFileSync(file, 'utf8'))
})

t.test('a cluster is healthy if and only if all servers, brokers and partitions are', async (t) => {
  const fine = new Set(['none named', 'all serve', 'one alone'])
  for (const [servers, roles] of Object.entries(serversBy)) {
    for (const [brokers, states] of Object.entries(brokersBy)) {
      for (const [partitions, some] of Object.entries(partitionsBy)) {
        const isFine =
          fine.has(servers) && brokers === 'all up' && /^(whole|one of one)$/.test(partitions)
        const words = text({ cluster: clusterOf(roles, states, some) })
        t.equal(words === 'HEALTHY', isFine, `${servers}, ${brokers}, ${partitions}: ${words}`)
      }
    }
  }
})

const healthy = clusterOf(serversBy['all serve'] ?? [], brokersBy['all up'] ?? [], [whole])
const others: readonly (Partial<HealthFacts> & { readonly name: string; readonly want: string })[] =
  [
    { name: 'more than a second behind', lag: 1234, rate: 100, want: 'CATCHING UP 1,234 behind' },
    { name: 'behind without progress', lag: 51, rate: 0, want: 'CATCHING UP 51 behind' },
    { name: 'less than a second behind at a high rate', lag: 900, rate: 1000, want: 'HEALTHY' },
    { name: 'a few behind', lag: 50, rate: 0, want: 'HEALTHY' },
    { name: 'unknown lag', lag: undefined, want: 'HEALTHY' },
    { name: 'just recent enough', nowMs: nowMs - 100 + staleMs, want: 'HEALTHY' },
    { name: 'too old', nowMs: nowMs - 100 + staleMs + 1, want: 'NO NEWS for 4 s' },
    { name: 'very old', nowMs: nowMs + 60_000, want: 'NO NEWS for 60 s' },
    {
      name: 'servers have not answered yet',
      cluster: { ...healthy, serversAtMs: undefined },
      want: 'CONNECTING',
    },
    {
      name: 'brokers have not answered yet',
      cluster: { ...healthy, brokersAtMs: undefined },
      want: 'CONNECTING',
    },
    {
      name: 'only the answers of servers are old',
      cluster: { ...healthy, serversAtMs: nowMs - 9000 },
      want: 'NO NEWS for 9 s',
    },
    {
      name: 'the worst comes first',
      cluster: clusterOf(
        serversBy['a follower is lost'] ?? [],
        ['up', 'lost', 'lost'],
        [{ ...whole, inSync: 1 }],
      ),
      lag: 100,
      want: 'NOT STORING: in sync 1 < 2 | DEGRADED 2 of 3 servers, 1 of 3 brokers | CATCHING UP 100 behind',
    },
  ]
for (const { name, want, ...facts } of others) {
  t.test(`health: ${name}`, async (t) => {
    t.equal(text({ cluster: healthy, ...facts }), want)
  })
}

t.test('roles of brokers are known only with a quorum and recent answers', async (t) => {
  const with_ = (roles: readonly ServerRole[]) => clusterOf(roles, ['up', 'up', 'up'], [whole])
  t.ok(areBrokerRolesKnown(with_(['leader', 'follower', 'lost']), nowMs))
  t.ok(areBrokerRolesKnown(with_([]), nowMs), 'without servers, no quorum is required')
  t.notOk(areBrokerRolesKnown(with_(['looking', 'lost', 'lost']), nowMs))
  t.notOk(areBrokerRolesKnown(with_(['leader', 'follower', 'lost']), nowMs + staleMs))
  t.notOk(areBrokerRolesKnown(clusterOf(['leader'], ['lost'], [whole]), nowMs))
  t.ok(areServerRolesKnown(with_(['looking']), nowMs))
  t.notOk(areServerRolesKnown(with_(['looking']), nowMs + staleMs))
})
