// docs/correctness.md names the test for each promise: they have to be there.

import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'

const root = new URL('../../', import.meta.url)
const text = readFileSync(new URL('docs/correctness.md', root), 'utf8')
const { scripts } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>
}

t.test('every file that is named exists', async (t) => {
  const names = [...text.matchAll(/`((?:src|test|docs|bench)\/[^`\s]+)`/g)].map(
    ([, name]) => name ?? '',
  )
  t.ok(names.length > 20)
  for (const name of new Set(names)) t.ok(existsSync(new URL(name, root)), name)
})

t.test('every command that is named exists', async (t) => {
  const names = [...text.matchAll(/npm run (\w+)/g)].map(([, name]) => name ?? '')
  t.ok(names.length > 3)
  for (const name of new Set(names)) t.type(scripts[name], 'string', name)
})

t.test('every promise and invariant has a test', async (t) => {
  const [said = '', shown = ''] = text.split('| | shown by |')
  const named = new Set<string>()
  for (const [, letter, from, to] of shown.matchAll(/\b([PIB])(\d+)(?:–[IB](\d+))?/g)) {
    for (let i = Number(from); i <= Number(to ?? from); i++) named.add(`${letter}${i}`)
  }
  const promises = [...said.matchAll(/^\*\*(P\d+)\./gm)].map(([, name]) => name ?? '')
  const invariants = [...said.matchAll(/^\| (I\d+) \|/gm)].map(([, name]) => name ?? '')
  const ofBrokers = [...said.matchAll(/^\| (B\d+) \|/gm)].map(([, name]) => name ?? '')
  // The membership cannot be changed yet.
  const shownLater = new Set(['I20'])
  t.equal(promises.length, 13)
  t.equal(invariants.length, 22)
  t.equal(ofBrokers.length, 18)
  for (const name of [...promises, ...invariants, ...ofBrokers]) {
    if (!shownLater.has(name)) t.ok(named.has(name), name)
  }
})
