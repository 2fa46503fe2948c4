// Imports point down. Each room of src/ may import the rooms below it that are named here, and no other:
// what two rooms both need lies in a third one.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const src = fileURLToPath(new URL('../src/', import.meta.url))

/** Files that are rooms of their own, though they lie beside others. */
const files: Readonly<Record<string, string>> = {
  'daemon-process.ts': 'world',
  'durable-file.ts': 'world',
  'real-disk.ts': 'world',
  'real-world.ts': 'world',
  'world.ts': 'world',
  'daemon/metrics.ts': 'daemon/metrics',
  'daemon/membership.ts': 'daemon/membership',
  'daemon/four-letter-word.ts': 'daemon/four-letter-word',
}

const everywhere = ['leaves', 'protocol']

/** Below each room, what it may import of src/, leaves and protocol apart. */
const below: Readonly<Record<string, readonly string[]>> = {
  leaves: [],
  protocol: [],
  log: [],
  world: ['log'],
  client: ['world'],
  broker: ['client', 'log', 'world'],
  cli: ['client', 'world'],

  'daemon/metrics': [],
  'daemon/membership': [],
  'daemon/four-letter-word': [],
  'daemon/zab': [],
  'daemon/ztree': [],
  'daemon/storage': ['daemon/zab', 'daemon/ztree', 'log', 'world'],
  'daemon/ensemble': ['daemon/metrics', 'daemon/storage', 'daemon/zab', 'log', 'world'],
  'daemon/session': ['daemon/ensemble', 'daemon/metrics', 'daemon/ztree'],
  'daemon/request-processor': [
    'daemon/ensemble',
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
    'daemon/storage',
    'daemon/zab',
    'log',
    'world',
  ],
}

function roomOf(file: string): string {
  const [top = '', sub = '', rest] = file.split('/')
  if (files[file] !== undefined) return files[file]
  if (sub === '') return 'leaves'
  return top === 'daemon' && rest !== undefined ? `daemon/${sub}` : top
}

interface Import {
  readonly file: string
  readonly from: string
  readonly to: string
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(src, file), 'utf8')
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']*)'/g)].map(([, target = '']) => {
    const imported = relative(src, join(src, dirname(file), target))
    return { file, from: roomOf(file), to: roomOf(imported) }
  })
}

const imports = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .flatMap(importsOf)
  .filter(({ from, to }) => from !== to)

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

t.test('the table has no way from a room back to itself', async (t) => {
  const reached = (room: string): readonly string[] => {
    const found = new Set<string>()
    const next = [...(below[room] ?? [])]
    for (let other = next.pop(); other !== undefined; other = next.pop()) {
      if (found.has(other)) continue
      found.add(other)
      next.push(...(below[other] ?? []))
    }
    return [...found]
  }
  for (const room of Object.keys(below)) t.notOk(reached(room).includes(room), room)
})
