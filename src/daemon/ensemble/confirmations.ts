// Callbacks that wait until a quorum confirms that this server still leads. zab/leadership-check.ts
// answers by token.

export class Confirmations {
  #token = 0
  #asked: { readonly token: number; readonly confirmed: () => void }[] = []

  get count(): number {
    return this.#asked.length
  }

  /** @returns the token to ask with; unique, so an answer to an earlier role matches no callback */
  add(confirmed: () => void): number {
    this.#asked.push({ token: ++this.#token, confirmed })
    return this.#token
  }

  /** Every token up to this one is confirmed. */
  confirmed(upTo: number): void {
    const due = this.#asked.filter(({ token }) => token <= upTo)
    this.#asked = this.#asked.filter(({ token }) => token > upTo)
    for (const { confirmed } of due) confirmed()
  }

  /** The leadership is over: no callback is called any more. */
  clear(): void {
    this.#asked = []
  }
}
