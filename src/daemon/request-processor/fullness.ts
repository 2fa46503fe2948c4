// Whether the tree has as many znodes as it may: the leader then refuses creates (prep.ts), and an
// operator is told once (leader.ts). Pure.

export class Fullness {
  readonly znodesMax: number
  #state: 'none' | 'refused' | 'told' = 'none'

  constructor(znodesMax: number) {
    this.znodesMax = znodesMax
  }

  /** Whether one more than `znodeCount` is too many. */
  refuses(znodeCount: number): boolean {
    // Well below the limit, so that not every create near it is news.
    if (znodeCount < 0.99 * this.znodesMax) this.#state = 'none'
    if (znodeCount < this.znodesMax) return false
    if (this.#state === 'none') this.#state = 'refused'
    return true
  }

  /** @returns whether a create was refused; not again until there are clearly fewer znodes */
  takeNews(): boolean {
    if (this.#state !== 'refused') return false
    this.#state = 'told'
    return true
  }
}
