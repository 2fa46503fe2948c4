// The fields of the few znodes that have many children, an ACL, or other rare properties: an object
// each, beside the records (znode-table.ts). An ordinary znode has none.

import { type Zxid, zxidZero } from '../../protocol/zxid.ts'
import { type KnownAcl, knownOpenAcl } from './acl-table.ts'
import type { ManyChildren } from './many-children.ts'

/** Whether the ensemble deletes a znode by itself; any other number is its time to live, in ms. */
export const lifetimes = { endless: 0, container: -1 } as const

export interface Uncommon {
  many: ManyChildren | undefined
  acl: KnownAcl
  aversion: number
  lifetime: number
  /** replaces the data in reads, for values that servers do not replicate */
  shown: (() => string) | undefined
  /** replaces an mzxid of 0 in reads: what is shown has no transaction, but a version */
  shownMzxid: Zxid
}

/** What they are as long as none is set. */
export function commonFields(): Uncommon {
  return {
    many: undefined,
    acl: knownOpenAcl,
    aversion: 0,
    lifetime: lifetimes.endless,
    shown: undefined,
    shownMzxid: zxidZero,
  }
}
