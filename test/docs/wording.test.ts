// Comments, messages and pages name the actor ("the client", "the leader"), and only sources that a
// reader can open: a file of this repository, a paper, a KIP, a ZooKeeper ticket. This test finds the
// words and the file names that break either rule.

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

/** Files and directories that the rules cover. */
const covered = ['README.md', 'CHANGELOG.md', 'docs', 'systemd', 'scripts', 'bench', 'src', 'test']

const words = [
  /\bwho(m)?ever\b/i,
  /\bnobody\b/i,
  /\banybody\b/i,
  /\bfor people\b/i,
  /\b(is|are|was|were) told of\b/i,
  /\b(as|in|of|by) DESIGN\b/,
  /\bwhat is no\b/i,
  /\b(that|it|which|this) is no (?!longer\b|more\b)[a-z]/,
  /\bthat is none\b/,
  /\bread (back )?as (it|they) (was|were)\b/,
  /\ball the same\b/,
  /\bwho (is heard|asks|waits|claims|may read|may not)\b/,
]

const root = fileURLToPath(new URL('../..', import.meta.url))
const self = fileURLToPath(import.meta.url)
const skipped = new Set(['node_modules', 'dist', '.git', '.tap', 'golden'])
const texts = /\.(ts|mjs|md|py|sh|cfg|service|target|grit)$/

/** All files below a file or directory, as absolute paths. */
function filesOf(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path, { withFileTypes: true })
    .filter(({ name }) => !skipped.has(name))
    .flatMap((entry) => filesOf(join(path, entry.name)))
}

const repository = filesOf(root).map((path) => `/${relative(root, path)}`)

const isOurs = (name: string): boolean => repository.some((path) => path.endsWith(`/${name}`))

/** The comment on a line, or all of a line of a page. */
function commentOf(path: string, line: string): string {
  if (path.endsWith('.md')) return line
  return /^\s*(?:\/?\*|#)(.*)|(?:^|\s)\/\/ (.*)/.exec(line)?.slice(1).join('') ?? ''
}

function faultsOf(path: string, line: string): string[] {
  const said = words.flatMap((word) => word.exec(line)?.[0] ?? [])
  const named = commentOf(path, line).match(/(?<![*\w/.-])\w[\w./-]*\.(?:md|ts)\b/g) ?? []
  return [
    ...said.map((word) => `"${word}": name the actor, or the source`),
    ...named
      .filter((name) => !isOurs(name.replace(/^(\.\.?\/)+/, '')))
      .map((name) => `${name} is not a file of this repository`),
  ]
}

for (const place of covered) {
  t.test(`${place}: names the actor, and only files that exist`, async (t) => {
    t.ok(existsSync(join(root, place)))
    const paths = filesOf(join(root, place)).filter((path) => texts.test(path) && path !== self)
    t.ok(paths.length > 0)
    const faults = paths.flatMap((path) =>
      readFileSync(path, 'utf8')
        .split('\n')
        .flatMap((line, index) =>
          faultsOf(path, line).map((fault) => `${relative(root, path)}:${index + 1}: ${fault}`),
        ),
    )
    t.strictSame(faults, [], `reword these lines:\n${faults.join('\n')}`)
  })
}

t.test('the rules see what they are for', async (t) => {
  t.equal(faultsOf('a.ts', "  log('nobody answered')").length, 1)
  t.equal(faultsOf('a.ts', '  // it is no offset, and is read back as it was').length, 2)
  t.equal(faultsOf('a.ts', '  // as zab.md has it; docs/protocol.md says so').length, 1)
  t.equal(faultsOf('a.ts', 'const a = 1 // see elections.ts, ./dialects.ts').length, 1)
  t.strictSame(faultsOf('a.ts', '// Files: test/**/*.test.ts, src/limits.ts'), [])
  t.strictSame(faultsOf('a.ts', "import { limits } from './no-such-file.ts'"), [])
})
