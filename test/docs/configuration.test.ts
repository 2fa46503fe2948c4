// docs/configuration.md shows the rows that the program reads its options by: its tables are made of
// them here again, and must be found there, letter by letter.

import { readFileSync } from 'node:fs'
import t from 'tap'
import { daemonProgram } from '../../src/daemon/config-rows.ts'
import type { OptionRow } from '../../src/option-rows.ts'

type Kept = Exclude<OptionRow, { type: 'ignored' | 'refused' }>

const entries: [string, OptionRow][] = Object.entries(daemonProgram.rows)

function bounds(row: Kept): string {
  switch (row.type) {
    case 'integer':
      return `${row.min} to ${row.max}`
    case 'numbered':
      return `N from ${row.min} to ${row.max}`
    case 'choice':
      return row.choices.map((choice) => `\`${choice}\``).join(', ')
    case 'boolean':
      return 'true, false'
    case 'text':
      return 'text'
    case 'include':
      return 'a file'
  }
}

function fallback(row: Kept): string {
  if (row.defaultText !== undefined) return row.defaultText
  if (row.type === 'numbered' || row.type === 'include') return ''
  if (row.default === undefined) return ''
  return `\`${row.default}\``
}

function options(): string[] {
  return entries.flatMap(([name, row]) =>
    row.type === 'ignored' || row.type === 'refused'
      ? []
      : [`| \`${name}\` | ${bounds(row)} | ${fallback(row)} | ${row.about} |`],
  )
}

function valuesOf(values: readonly string[] = []): string {
  return values.map((value) => `\`${value}\``).join(', ')
}

function ignored(): string[] {
  return entries.flatMap(([name, row]) =>
    row.type === 'ignored' ? [`| \`${name}\` | ${row.why} | ${valuesOf(row.unless)} |`] : [],
  )
}

function refused(): string[] {
  return entries.flatMap(([name, row]) => {
    if (row.type !== 'refused') return []
    return [`| \`${name}\` | ${row.why} | ${valuesOf(row.unless)} |`]
  })
}

const text = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8')

for (const [kind, rows] of Object.entries({ options, ignored, refused })) {
  t.test(`${kind}: every row is in the manual, in its order`, async (t) => {
    const table = rows().join('\n')
    t.ok(rows().length > 10)
    t.ok(text.includes(`--- |\n${table}\n`), table)
  })
}

t.test('and nothing else', async (t) => {
  const rows = text.split('\n').filter((line) => /^\| `/.test(line))
  t.equal(rows.length, entries.length)
})
