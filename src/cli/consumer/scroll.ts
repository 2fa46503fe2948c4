// The scroll position of a box with more lines than room. Pure. Drawing tells it the number of
// lines.

export const scrollKeys: ReadonlySet<string> = new Set(
  'up down k j pageup pagedown home end g S-g'.split(' '),
)

export class Scroll {
  /** the first visible line; undefined: at home, which is the end or the beginning */
  #top: number | undefined
  #lines = 0
  #room = 1
  readonly #home: 'start' | 'end'

  /** @param home its position until it is scrolled, even as lines are added */
  constructor(home: 'start' | 'end') {
    this.#home = home
  }

  /** @returns the first line to show */
  show(lines: number, room: number): number {
    this.#lines = lines
    this.#room = Math.max(1, room)
    return this.top
  }

  get top(): number {
    if (this.#top === undefined) return this.#home === 'start' ? 0 : this.#lastTop
    return Math.min(this.#top, this.#lastTop)
  }

  get isHome(): boolean {
    return this.#top === undefined
  }

  get #lastTop(): number {
    return Math.max(0, this.#lines - this.#room)
  }

  /** @param key as blessed names it; other keys are ignored */
  press(key: string): undefined {
    switch (key) {
      case 'up':
      case 'k':
        return this.#to(this.top - 1)
      case 'down':
      case 'j':
        return this.#to(this.top + 1)
      case 'pageup':
        return this.#to(this.top - this.#room)
      case 'pagedown':
        return this.#to(this.top + this.#room)
      case 'home':
      case 'g':
        return this.#to(0)
      case 'end':
      case 'S-g':
        return this.#to(this.#lastTop)
    }
    return undefined
  }

  toHome(): void {
    this.#top = undefined
  }

  #to(top: number): undefined {
    const to = Math.max(0, Math.min(top, this.#lastTop))
    const home = this.#home === 'start' ? 0 : this.#lastTop
    this.#top = to === home ? undefined : to
    return undefined
  }
}
