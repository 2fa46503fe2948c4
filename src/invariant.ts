// Our own mistakes stop the process: the log recovers on the next start, silent corruption would not.

/** Thrown by `invariant`; reaching one is a bug in ZooWeeper, never in what a peer or client sent. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
}

/**
 * States what must be true here. `claim` is worded in the positive: 'our zxids have no gaps'.
 *
 * @throws InvariantError
 */
export function invariant(holds: boolean, claim: string): asserts holds {
  if (!holds) throw new InvariantError(`Invariant broken: ${claim}`)
}
