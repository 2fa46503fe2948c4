// A cache of drawn lines, so that each is drawn once per width: rows and events stay the same from
// frame to frame, and fitting text into columns is most of the work of a frame.

import type { Row } from './consumer-view.ts'
import type { ScreenEvent } from './event-list.ts'
import type { Line } from './screen-lines.ts'

export class LineCache<Item extends object, Drawn> {
  #drawn = new WeakMap<Item, Drawn>()
  #key = ''

  /**
   * @param key of everything the drawing depends on besides the item: a new key clears the cache
   */
  of(item: Item, key: string, draw: () => Drawn): Drawn {
    if (key !== this.#key) {
      this.#key = key
      this.#drawn = new WeakMap()
    }
    let drawn = this.#drawn.get(item)
    if (drawn === undefined) {
      drawn = draw()
      this.#drawn.set(item, drawn)
    }
    return drawn
  }
}

export class FrameCache {
  readonly rows = new LineCache<Row, Line>()
  readonly events = new LineCache<ScreenEvent, readonly Line[]>()
}
