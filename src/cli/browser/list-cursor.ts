// The selected row of a list that is drawn anew from each answer, and the rows around it that are
// shown. Pure. Drawing tells it how many rows there are, and how many fit.

export class ListCursor {
  #at = 0
  #top = 0
  #count = 0
  #room = 1

  /** @returns the first row to show */
  show(count: number, room: number): number {
    this.#count = count
    this.#room = Math.max(1, room)
    this.#at = Math.max(0, Math.min(this.#at, count - 1))
    const lastTop = Math.max(0, count - this.#room)
    const top = Math.min(Math.max(this.#top, this.#at - this.#room + 1), this.#at, lastTop)
    this.#top = top
    return top
  }

  get at(): number {
    return this.#at
  }

  /** @param row of those that are shown, from 0. @returns whether it was selected before */
  click(row: number): boolean {
    const to = this.#top + row
    if (row < 0 || row >= this.#room || to >= this.#count) return false
    const was = this.#at === to
    this.#at = to
    return was
  }

  /** @param key as blessed names it; other keys are ignored */
  press(key: string): void {
    switch (key) {
      case 'up':
      case 'k':
        return this.#to(this.#at - 1)
      case 'down':
      case 'j':
        return this.#to(this.#at + 1)
      case 'pageup':
        return this.#to(this.#at - this.#room)
      case 'pagedown':
        return this.#to(this.#at + this.#room)
      case 'home':
      case 'g':
        return this.#to(0)
      case 'end':
      case 'S-g':
        return this.#to(this.#count - 1)
    }
  }

  #to(at: number): void {
    this.#at = Math.max(0, Math.min(at, this.#count - 1))
  }
}
