// docs/architecture.md follows two requests file by file. A reader meets each file once, and what a file
// says comes next lies ahead.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8')
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => `src/${name}`)

function walk(heading: string): string[] {
  const section = page.split(/^## /m).find((part) => part.startsWith(heading)) ?? ''
  return [...section.matchAll(/`(src\/[\w./-]+\.ts)`/g)].map(([, file = '']) => file)
}

/** What the file's header says comes next, from the words to the end of the sentence or comment. */
function nextOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8').split('\n\n', 1)[0] ?? ''
  const header = text.replaceAll(/\n\/\/ ?/g, ' ')
  const [, sentence = ''] = /Next on the path: (.*?)(?:\.(?: |$)|$)/s.exec(header) ?? []
  return [...sentence.matchAll(/[\w/-]+\.ts/g)].map(([name]) => resolve(file, name))
}

/** A name is relative to its file's folder, or the end of one path alone. */
function resolve(from: string, name: string): string {
  const beside = normalize(join(dirname(from), name))
  if (existsSync(join(root, beside))) return beside
  const found = sources.filter((source) => source.endsWith(`/${name}`))
  return found.length === 1 ? (found[0] ?? name) : `${name}, which ${found.length} files could be`
}

for (const heading of ['One write', 'One event']) {
  const files = walk(heading)

  t.test(`${heading}: each file appears once`, async (t) => {
    t.ok(files.length > 10)
    t.same(
      files.filter((file, i) => files.indexOf(file) !== i),
      [],
    )
  })

  t.test(`${heading}: no file sends its reader back`, async (t) => {
    for (const [i, file] of files.entries()) {
      for (const next of nextOf(file)) {
        t.ok(existsSync(join(root, next)), `${file} names ${next}`)
        t.notOk(files.slice(0, i + 1).includes(next), `${file} names ${next}`)
      }
    }
  })
}

/** At the disk a walk turns round: the next file is the one that is called back. */
const atTheDisk = ['src/log/segment-file.ts', 'src/broker/partition/partition-log.ts']

for (const heading of ['One write', 'One event']) {
  t.test(`${heading}: each file says what comes next`, async (t) => {
    const files = walk(heading)
    for (const file of files.slice(0, -1)) {
      if (atTheDisk.includes(file)) continue
      const next = nextOf(file)
      t.ok(
        next.some((name) => files.includes(name)),
        `${file}: ${next}`,
      )
    }
  })
}
