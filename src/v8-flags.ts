// How V8 runs a daemon. Its flags differ between its versions, and it writes an error for one that it
// does not know, so each is set for the versions that have it.

import { setFlagsFromString } from 'node:v8'

/**
 * The heap may grow to four times what is in use before all of it is marked. V8 on its own lets a heap
 * of 13 MiB grow by 8: with values of 1 KB, which wait for their proposal and for the disk, a follower
 * marked seven times a second, a tenth or more of its CPU time. A broker whose records are read spent
 * two fifths of its time on marking.
 */
const heapGrowth = '--heap-growing-percent=300'

/**
 * Code is compiled for speed after less than half of the work that V8 waits for: an ensemble with a write now and
 * then would otherwise run in V8's interpreter for its first thousand writes. Later versions of V8 count
 * calls, and have a compiler in between.
 */
const soonerCompiled = '--interrupt-budget=30000'
const lastV8WithBudget = 11

/** @param version as in `process.versions.v8` */
export function v8FlagsFor(version: string): readonly string[] {
  const major = Number.parseInt(version, 10)
  return major <= lastV8WithBudget ? [heapGrowth, soonerCompiled] : [heapGrowth]
}

/** For this process, as early as it can be. */
export function setV8Flags(): void {
  for (const flag of v8FlagsFor(process.versions.v8)) setFlagsFromString(flag)
}
