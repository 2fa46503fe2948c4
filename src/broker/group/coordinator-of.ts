// The coordinator of a group: the registered broker with the highest hash of broker and group
// (rendezvous hashing). All brokers choose the same one, and when a broker joins or leaves, only
// its groups move.

import { createHash } from 'node:crypto'

/** @returns undefined if there are no brokers */
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
