// Keeps the servers of the release that is checked out, for the tests of upgrades to the next one:
//
//   npm run build && node scripts/keep-release.mjs
//
// test/process/releases/VERSION.tgz gets package.json and the modules of zooweeperd. What they need of
// other packages comes from node_modules.

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

/** The second one ends servers that a test leaves behind. */
const programs = ['dist/daemon/main.js', 'dist/cli/cluster/orphan-guard.js']
const { version } = JSON.parse(readFileSync('package.json', 'utf8'))

const importing = /(?:from|import\()\s*'(\.[^']+)'/g
const modules = new Set()
const toRead = [...programs]
for (let path = toRead.pop(); path !== undefined; path = toRead.pop()) {
  if (modules.has(path)) continue
  modules.add(path)
  for (const [, found = ''] of readFileSync(path, 'utf8').matchAll(importing)) {
    toRead.push(normalize(join(dirname(path), found)))
  }
}

const archive = `test/process/releases/${version}.tgz`
const reproducible = ['--sort=name', '--owner=0', '--group=0', '--mtime=@0']
execFileSync('tar', ['-czf', archive, ...reproducible, 'package.json', ...modules])
process.stdout.write(`${archive}: ${modules.size} modules\n`)
