// The rule of our own for Biome, with the directories that biome.json gives it, on a project of two
// files: what it finds, what it leaves alone, and what is excused.

import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'

const root = fileURLToPath(new URL('../../', import.meta.url))
const biome = join(root, 'node_modules/@biomejs/biome/bin/biome')

/** @returns the lines of `text`, as the file of this name, that are complained about */
function linesFound(t: Test, name: string, text: string): number[] {
  const dir = t.testdir()
  const config = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8'))
  delete config.$schema
  delete config.vcs
  writeFileSync(join(dir, 'biome.json'), JSON.stringify({ ...config, root: true }))
  cpSync(join(root, 'scripts/lint'), join(dir, 'scripts/lint'), { recursive: true })
  mkdirSync(dirname(join(dir, name)), { recursive: true })
  writeFileSync(join(dir, name), text)
  const args = [biome, 'lint', '--reporter=github', '--only=plugin', name]
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: dir, encoding: 'utf8' })
  t.notMatch(stderr, /loading of plugins/, 'the rule compiles')
  return [...stdout.matchAll(/title=[^,]*plugin.*?,line=(\d+)/g)].map(([, line]) => Number(line))
}

const text = `
export const spread = (o: { x: number }) => ({ ...o, y: 1 })
export function rest({ x, ...others }: { x: number; y: number }) {
  return [x, others]
}
export function assigned(o: { x: number; y: number }) {
  let x = 0
  let others: unknown
  ;({ x, ...others } = o)
  return [x, others]
}
export const nested = (o: { x: number }) => [{ y: { ...o } }]
export const array = (o: number[]) => [...o, ...[1]]
export const inArray = (o: number[]) => ({ y: [...o], z: Math.max(...o) })
export const parameters = (...o: number[]) => o
// biome-ignore lint/plugin/noObjectSpread: once
export const excused = (o: { x: number }) => ({ ...o, y: 1 })
`

for (const name of ['src/daemon/zab/a.ts', 'src/broker/api/a.ts', 'src/protocol/mq/a.ts']) {
  t.test(`object spread and rest are found in ${name}, those of arrays are not`, async (t) => {
    t.same(linesFound(t, name, text), [2, 3, 9, 12])
  })
}

for (const name of ['src/cli/a.ts', 'src/daemon/server.ts', 'src/daemon/ensemble/meta.ts']) {
  t.test(`in ${name}, which is not hot, nothing is`, async (t) => {
    t.same(linesFound(t, name, text), [])
  })
}
