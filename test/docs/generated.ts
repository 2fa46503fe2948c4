// The parts of docs/ that are made from the tables of messages: each stands between two comments,
//
//   <!-- generated: requests -->
//   | code | request | fields |
//   <!-- end -->
//
// `UPDATE_GOLDEN=1 npx tap test/docs` writes them anew; without it they must be as they are made.

import { readFileSync, writeFileSync } from 'node:fs'
import type { Test } from 'tap'
import {
  describe,
  describeFields,
  type FieldRow,
  type Messages,
  type Rows,
  type Shape,
} from '../../src/protocol/fields.ts'

/** Compares the parts of a page, or writes them; `parts` are all that it has. */
export function checkGenerated(
  t: Test,
  page: string,
  parts: Readonly<Record<string, readonly string[]>>,
): void {
  const url = new URL(`../../docs/${page}`, import.meta.url)
  const before = readFileSync(url, 'utf8')
  const found: string[] = []
  const after = before.replaceAll(
    /<!-- generated: (?<name>[a-z ]+) -->\n[\s\S]*?<!-- end -->/g,
    (_, name: string) => {
      found.push(name)
      return `<!-- generated: ${name} -->\n${(parts[name] ?? []).join('\n')}\n<!-- end -->`
    },
  )
  t.strictSame(found.toSorted(), Object.keys(parts).toSorted(), `the generated parts of ${page}`)
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(url, after)
  else t.equal(before, after, `${page} is made from the tables`)
}

/** One row per field, with what it means if any field says so. */
export function fieldsTable(fields: FieldRow): string[] {
  const entries = Object.entries(fields)
  const hasNotes = entries.some(([, { note }]) => note !== undefined)
  return table(
    hasNotes ? ['field', 'type', 'meaning'] : ['field', 'type'],
    entries.map(([name, { shape, note }]) =>
      hasNotes ? [code(name), describe(shape), note ?? ''] : [code(name), describe(shape)],
    ),
  )
}

/** One row per message, by code. */
export function messagesTable<R extends Rows>(what: string, messages: Messages<R>): string[] {
  return table(
    ['code', what, 'fields'],
    byCode(messages).map(([type, { code, fields }]) => [
      String(code),
      `\`${type}\``,
      describeFields(fields),
    ]),
  )
}

/**
 * One row per request, by code, with the fields of its answer.
 *
 * @param only requests that the page is not about are left out
 */
export function exchangesTable<R extends Rows, A extends Rows>(
  what: string,
  requests: Messages<R>,
  answers: Messages<A>,
  isOnPage: (type: string) => boolean = () => true,
): string[] {
  const answerRows: Rows = answers.rows
  return table(
    [what, '', 'request fields', 'answer fields'],
    byCode(requests)
      .filter(([type]) => isOnPage(type))
      .map(([type, { code, fields }]) => [
        String(code),
        `\`${type}\``,
        describeFields(fields),
        describeFields(answerRows[type]?.fields ?? {}),
      ]),
  )
}

/** One row per name, in the order of the table. */
export function codesTable(what: string, codes: Readonly<Record<string, number>>): string[] {
  return table(
    [what, ''],
    Object.entries(codes).map(([name, number]) => [code(name), String(number)]),
  )
}

/** One row per type that has a name, with what it is, for all types that these fields need. */
export function typesTable(...rows: readonly FieldRow[]): string[] {
  const types = new Map<string, string>()
  for (const row of rows) for (const { shape } of Object.values(row)) collect(shape, types)
  return table(
    ['type', 'what it is'],
    [...types].sort(([a], [b]) => (a < b ? -1 : 1)).map((pair) => [...pair]),
  )
}

/** The fields of each message of a table. */
export function rowsOf<R extends Rows>({ rows }: Messages<R>): FieldRow[] {
  return Object.values<Rows[string]>(rows).map(({ fields }) => fields)
}

function collect(shape: Shape, types: Map<string, string>): void {
  switch (shape.type) {
    case 'named':
      types.set(shape.name, describe(shape.of))
      return collect(shape.of, types)
    case 'optional':
    case 'packed':
    case 'list':
    case 'refined':
      return collect(shape.of, types)
    case 'record':
      for (const field of Object.values(shape.fields)) collect(field.shape, types)
      return
    case 'choice':
      for (const { fields } of Object.values(shape.rows)) {
        for (const field of Object.values(fields)) collect(field.shape, types)
      }
      return
    case 'int':
    case 'number':
    case 'boolean':
    case 'text':
    case 'bytes':
    case 'constant':
    case 'oneOf':
      return
  }
}

function byCode<R extends Rows>({ rows }: Messages<R>): [string, Rows[string]][] {
  const place = (code: number): number => (code < 0 ? Number.MAX_SAFE_INTEGER + code : code)
  return Object.entries<Rows[string]>(rows).sort(([, a], [, b]) => place(a.code) - place(b.code))
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [head, head.map(() => '---'), ...rows].map((cells) => {
    return `|${cells.map((cell) => (cell === '' ? ' |' : ` ${cell} |`)).join('')}`
  })
}

function code(name: string): string {
  return `\`${name}\``
}
