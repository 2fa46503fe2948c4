// Closes connections in portions, each connection when all that its client has asked for is answered:
// the clients reconnect elsewhere, one portion after the other, and find no request unanswered that
// this server has read. Used when a server stops, and when an operator wants it to have fewer clients.

import type { Clock } from '../../clock.ts'

/** One connection of a client. */
export interface Drained {
  readonly state: string
  finish(): void
}

/** A drain of any number of connections begins them all within a second. */
const portionMs = 50
const portionsMax = 20
const portionMin = 16

export function portionOf(count: number): number {
  return Math.max(portionMin, Math.ceil(count / portionsMax))
}

/**
 * @param isOver stops it early
 * @returns once all are closed, or it is over
 */
export async function drain(
  clock: Clock,
  connections: readonly Drained[],
  isOver: () => boolean,
): Promise<void> {
  const portion = portionOf(connections.length)
  for (let begun = 0; begun < connections.length && !isOver(); begun += portion) {
    for (const connection of connections.slice(begun, begun + portion)) connection.finish()
    if (begun + portion < connections.length) await passed(clock, portionMs)
  }
  while (!isOver() && connections.some(({ state }) => state !== 'closed')) {
    await passed(clock, 5)
  }
}

function passed(clock: Clock, durationMs: number): Promise<void> {
  return new Promise((resolve) => clock.after(durationMs, resolve))
}
