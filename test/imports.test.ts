// Imports point down. Each room of src/ may import the rooms below it that are named here, and no other:
// what two rooms both need lies in a third one. The same goes for files: none imports one that imports
// it, by whatever way, types included.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const src = fileURLToPath(new URL('../src/', import.meta.url))

/** Files that are rooms of their own, though they lie beside others. */
const files: Readonly<Record<string, string>> = {
  'broker/data-dir.ts': 'broker/data-dir',
  'cli/main.ts': 'cli/main',
  'client/index.ts': 'client/index',
  'daemon-process.ts': 'world',
  'durable-file.ts': 'world',
  'real-disk.ts': 'world',
  'real-world.ts': 'world',
  'world.ts': 'world',
  'daemon/metrics.ts': 'daemon/metrics',
  'daemon/four-letter-word.ts': 'daemon/four-letter-word',
}

const everywhere = ['leaves', 'protocol']

/** The rooms from the bottom up, each with those that it may import, leaves and protocol apart. */
const below: Readonly<Record<string, readonly string[]>> = {
  leaves: [],
  protocol: [],
  log: [],
  world: ['log'],

  client: ['world'],
  'client/zk': ['client', 'world'],
  'client/mq': ['client', 'client/zk', 'world'],
  'client/index': ['client', 'client/mq', 'client/zk'],

  'broker/partition': ['log', 'world'],
  'broker/cluster': ['broker/partition', 'client/zk'],
  'broker/data-dir': ['broker/cluster', 'log', 'world'],
  'broker/controller': ['broker/cluster', 'broker/partition', 'client/zk'],
  'broker/replication': ['broker/cluster', 'broker/partition', 'client/mq', 'log', 'world'],
  'broker/group': ['broker/cluster', 'broker/replication'],
  'broker/session': [
    'broker/cluster',
    'broker/controller',
    'broker/data-dir',
    'broker/partition',
    'client/zk',
  ],
  'broker/api': [
    'broker/cluster',
    'broker/controller',
    'broker/group',
    'broker/partition',
    'broker/replication',
    'broker/session',
    'client/zk',
  ],
  'broker/kafka': ['broker/api', 'broker/group'],
  broker: [
    'broker/api',
    'broker/cluster',
    'broker/data-dir',
    'broker/group',
    'broker/kafka',
    'broker/partition',
    'broker/replication',
    'broker/session',
    'client',
    'client/mq',
    'client/zk',
    'world',
  ],

  cli: ['client', 'client/mq', 'client/zk', 'world'],
  'cli/goals': [],
  'cli/log': ['cli'],
  'cli/commands': ['cli', 'client', 'cli/goals', 'cli/log', 'client/mq', 'client/zk'],
  'cli/consumer': ['cli', 'client', 'cli/goals', 'client/mq'],
  'cli/browser': ['cli', 'cli/consumer', 'client/mq'],
  'cli/cluster': [
    'cli',
    'cli/commands',
    'cli/consumer',
    'cli/goals',
    'client',
    'client/mq',
    'client/zk',
  ],
  'cli/shell': ['cli', 'cli/cluster', 'client', 'client/zk'],
  'cli/main': ['cli', 'cli/browser', 'cli/cluster', 'cli/commands', 'cli/shell'],

  'daemon/metrics': [],
  'daemon/four-letter-word': [],
  'daemon/zab': [],
  'daemon/membership': ['daemon/zab'],
  'daemon/ztree': [],
  'daemon/storage': ['daemon/zab', 'daemon/ztree', 'log', 'world'],
  'daemon/ensemble': ['daemon/metrics', 'daemon/storage', 'daemon/zab', 'log', 'world'],
  'daemon/session': ['daemon/ensemble', 'daemon/metrics', 'daemon/ztree'],
  'daemon/request-processor': [
    'daemon/ensemble',
    'daemon/membership',
    'daemon/metrics',
    'daemon/session',
    'daemon/ztree',
  ],
  'daemon/connection': [
    'daemon/ensemble',
    'daemon/metrics',
    'daemon/request-processor',
    'daemon/session',
  ],
  'daemon/admin': [
    'daemon/connection',
    'daemon/ensemble',
    'daemon/four-letter-word',
    'daemon/membership',
    'daemon/metrics',
    'daemon/request-processor',
    'daemon/session',
    'daemon/storage',
    'daemon/ztree',
  ],
  daemon: [
    'daemon/admin',
    'daemon/connection',
    'daemon/ensemble',
    'daemon/four-letter-word',
    'daemon/membership',
    'daemon/metrics',
    'daemon/request-processor',
    'daemon/session',
    'daemon/storage',
    'daemon/zab',
    'daemon/ztree',
    'log',
    'world',
  ],
}

function roomOf(file: string): string {
  const [top = '', sub = '', rest] = file.split('/')
  if (files[file] !== undefined) return files[file]
  if (sub === '') return 'leaves'
  return top !== 'protocol' && rest !== undefined ? `${top}/${sub}` : top
}

interface Import {
  readonly file: string
  readonly target: string
  readonly from: string
  readonly to: string
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(src, file), 'utf8')
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']*)'/g)].map(([, target = '']) => {
    const imported = relative(src, join(src, dirname(file), target))
    return { file, target: imported, from: roomOf(file), to: roomOf(imported) }
  })
}

const allImports = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .flatMap(importsOf)
const imports = allImports.filter(({ from, to }) => from !== to)

t.test('no room imports another that does not lie below it', async (t) => {
  const upward = imports.filter(({ from, to }) => {
    if (from !== 'leaves' && everywhere.includes(to) && !(from === 'protocol' && to !== 'leaves')) {
      return false
    }
    return below[from]?.includes(to) !== true
  })
  t.same(
    upward.map(({ file, to }) => `${file} imports ${to}`),
    [],
  )
})

t.test('the table has no entry that no import needs', async (t) => {
  const isUsed = (room: string, other: string) =>
    imports.some(({ from, to }) => from === room && to === other)
  const unused = Object.entries(below).flatMap(([room, others]) =>
    others.filter((other) => !isUsed(room, other)).map((other) => `${room} needs no ${other}`),
  )
  t.same(unused, [])
})

t.test('the table lists the rooms from the bottom up', async (t) => {
  const rooms = Object.keys(below)
  const upward = Object.entries(below).flatMap(([room, others]) =>
    others
      .filter((other) => !rooms.slice(0, rooms.indexOf(room)).includes(other))
      .map((other) => `${room} lies before ${other}`),
  )
  t.same(upward, [])
})

t.test('no file imports another that imports it', async (t) => {
  const targets = new Map<string, string[]>()
  for (const { file, target } of allImports) {
    targets.set(file, [...(targets.get(file) ?? []), target])
  }
  t.same(circles(targets), [])
})

t.test('a circle is found by whatever file it is entered, and told once', async (t) => {
  const targets = new Map([
    ['main', ['a', 'leaf']],
    ['a', ['b']],
    ['b', ['leaf', 'c']],
    ['c', ['a']],
  ])
  t.same(circles(targets), ['a → b → c → a'])
  targets.set('c', ['leaf'])
  t.same(circles(targets), [])
})

/** Depth first: a file that is met again on the way from itself closes a circle. */
function circles(targets: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const found: string[] = []
  const done = new Set<string>()
  const visit = (file: string, way: readonly string[]) => {
    if (way.includes(file)) {
      found.push([...way.slice(way.indexOf(file)), file].join(' → '))
      return
    }
    if (done.has(file)) return
    for (const target of targets.get(file) ?? []) visit(target, [...way, file])
    done.add(file)
  }
  for (const file of targets.keys()) visit(file, [])
  return found
}
