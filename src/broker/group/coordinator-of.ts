// Which broker coordinates a group: of those that are registered the one with the highest hash of group
// and broker (rendezvous hashing). All brokers come to the same, and when one goes or comes, only its
// groups move.

import { createHash } from 'node:crypto'

/** @returns undefined when there is no broker */
export function coordinatorOf<Id extends number>(
  group: string,
  brokers: Iterable<Id>,
): Id | undefined {
  let chosen: Id | undefined
  let highest = -1
  for (const id of brokers) {
    const hash = createHash('sha256').update(`${id} ${group}`).digest().readUIntBE(0, 6)
    if (hash < highest || (hash === highest && id < (chosen ?? id))) continue
    chosen = id
    highest = hash
  }
  return chosen
}
