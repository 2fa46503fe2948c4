// A key, as what is typed into takes it.

export interface TypedKey {
  /** as blessed names it */
  readonly key: string
  /** what it types */
  readonly char: string
  readonly wallMs: number
  /**
   * It came with others in one go: perhaps it was pasted, in a terminal that does not mark what is
   * pasted. Such a key sends nothing.
   */
  readonly isBurst?: boolean
}

/** Why a key that would send something does not. */
export const burstProblem = 'it came in one go with other keys, as pasted text does: press it again'
