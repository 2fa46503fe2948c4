// Scripted lives in which disks are lost (lost-disks.ts): a replica counts only with the disk that
// was in sync.

import t from 'tap'
import { liveLostDisk, lostDisks } from './lost-disks.ts'

const seeds = [1, 2, 3]

for (const lostDisk of lostDisks) {
  t.test(`nothing is lost when ${lostDisk.name}`, async (t) => {
    for (const seed of seeds) await t.resolves(liveLostDisk(lostDisk, seed), `seed ${seed}`)
  })
}
