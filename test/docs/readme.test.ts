// The lines of README.md's tour that make records for another client.

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const page = readFileSync(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8')
const [, generator, kcat] = /^ {4}(seq .*?) \| (kcat .*-P .*)$/m.exec(page) ?? []

t.test('the visits of the tour have a key and a value each', async (t) => {
  const out = execFileSync('sh', ['-c', generator ?? ''], { encoding: 'utf8' })
  const wanted = Array.from({ length: 60 }, (_, i) => `${i + 1}:visit ${i + 1}`)
  t.same(out.trim().split('\n'), wanted)
})

t.test('the producer of the tour finds the cluster while the coordinator is away', async (t) => {
  t.match(kcat, /-b 127\.0\.0\.1:4101,127\.0\.0\.1:4102 /)
})
