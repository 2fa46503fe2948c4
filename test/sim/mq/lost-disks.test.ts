// Scripted lives in which disks are lost (lost-disks.ts): a replica counts only with the disk that
// was in sync.

import t from 'tap'
import { liveMq } from './life.ts'
import { lostDisks } from './lost-disks.ts'

const seeds = [1, 2, 3]

for (const { name, script, replicas } of lostDisks) {
  t.test(`nothing is lost when ${name}`, async (t) => {
    for (const seed of seeds) await t.resolves(liveMq(seed, { script, replicas }), `seed ${seed}`)
  })
}
