// Checks a history: every way in which it cannot have come from one ensemble that keeps its
// promises. It does not depend on whether servers ran as processes or in a simulator.
//
// Every answer names zxids, so the order of events need not be searched for: each check trusts the
// zxids, and looks for contradictions among them and with real time. That makes it exact, and as
// fast as sorting.

import { checkChildren } from './check-children.ts'
import { checkOrder } from './check-order.ts'
import { checkRegisters } from './check-registers.ts'
import { checkWatches } from './check-watches.ts'
import { factsOf, type Violation } from './facts.ts'
import type { History, Replica, Sight } from './history.ts'

export type { Violation } from './facts.ts'

/** @returns nothing for a history that keeps the promises */
export function checkHistory(history: History): Violation[] {
  const facts = factsOf(history)
  return [
    ...facts.violations,
    ...checkOrder(history, facts),
    ...checkRegisters(history, facts),
    ...checkChildren(history, facts),
    ...checkWatches(history, facts),
    ...checkReplicas(history.replicas),
  ]
}

/** All servers hold the same tree, including every field of each stat. */
function checkReplicas([first, ...others]: readonly Replica[]): Violation[] {
  const violations: Violation[] = []
  for (const other of others) {
    for (const path of new Set([...(first?.znodes.keys() ?? []), ...other.znodes.keys()])) {
      const [ours, theirs] = [print(first?.znodes.get(path)), print(other.znodes.get(path))]
      if (ours === theirs) continue
      const found = `${path} is ${ours} at ${first?.server} and ${theirs} at ${other.server}`
      violations.push({ rule: 'replicas are equal', operation: undefined, found })
    }
  }
  return violations
}

function print(sight: Sight | undefined): string {
  if (sight === undefined) return 'missing'
  const { data, stat, children } = sight
  return JSON.stringify([data, [...(children ?? [])].sort(), Object.entries(stat).sort()])
}
