// Pages name files and each other. A name that is gone would send a reader nowhere.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = fileURLToPath(new URL('../..', import.meta.url))
const docs = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'))
const pages = ['README.md', 'systemd/README.md', ...docs.map((name) => `docs/${name}`)]

for (const page of pages) {
  const text = readFileSync(join(root, page), 'utf8')

  t.test(`${page}: what it links to is there`, async (t) => {
    for (const [, target = ''] of text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      t.ok(existsSync(join(root, dirname(page), target)), target)
    }
  })

  t.test(`${page}: the anchors it links to are headings of its own`, async (t) => {
    const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchor(heading))
    for (const [, target = ''] of text.matchAll(/\]\(#([^)]+)\)/g)) {
      t.ok(headings.includes(target), target)
    }
  })

  t.test(`${page}: the files of this repository that it names are there`, async (t) => {
    const names = /`((?:src|test|bench|docs|scripts|systemd)\/[\w./-]*)`/g
    for (const [, name = ''] of text.matchAll(names)) t.ok(existsSync(join(root, name)), name)
  })
}

t.test('README.md: every page of docs/ is reached from it', async (t) => {
  const text = readFileSync(join(root, 'README.md'), 'utf8')
  for (const name of docs) t.ok(text.includes(`(docs/${name})`), name)
})

t.test('README.md: every npm script that it names exists', async (t) => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  for (const page of pages) {
    const text = readFileSync(join(root, page), 'utf8')
    for (const [, name = ''] of text.matchAll(/npm run ([a-z]+)/g)) t.ok(scripts[name], name)
  }
})

function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, '')
    .replaceAll(' ', '-')
}
