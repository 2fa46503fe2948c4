// Our own mistakes stop the process: the log recovers on the next start, silent corruption would not.

/** Thrown by `invariant`: a bug in ZooWeeper, never the fault of a peer's or client's message. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
}

/**
 * States a condition that must hold. `claim` is worded in the positive: 'our zxids have no gaps'.
 *
 * @throws InvariantError
 */
export function invariant(holds: boolean, claim: string): asserts holds {
  if (!holds) throw new InvariantError(`Invariant broken: ${claim}`)
}
