// Lives in which disks are lost, step by step (lost-disks.ts). What they ask for is a replica that
// counts only with the disk that it promised on, which src/broker does not know yet.

import t from 'tap'
import { liveMq } from './life.ts'
import { lostDisks } from './lost-disks.ts'

/** Whether src/broker tells a disk that was lost, cut or exchanged from the one that was promised on. */
const knowsDisks = true
const seeds = [1, 2, 3, 4]

for (const { name, script } of lostDisks) {
  t.test(`nothing is lost when ${name}`, { skip: !knowsDisks }, async (t) => {
    for (const seed of seeds) await t.resolves(liveMq(seed, { script }), `seed ${seed}`)
  })
}
