// The records that are kept, those of them that are shown, and the selected one. Pure.
//
// A search either hides the other records or only marks its matches. Matches are kept for
// themselves, so that a rare one is not pushed out by the records around it. Until the user moves,
// the newest record is selected, and the list follows it.

import type { RecordFilter } from './record-filter.ts'
import { RecordRing } from './record-ring.ts'
import type { ShownRecord } from './shown-record.ts'

export interface ShownPage {
  readonly records: readonly ShownRecord[]
  /** index of the selected one; -1 if there is none */
  readonly selected: number
  /** index of the first one among those shown, from 0, and their number */
  readonly top: number
  readonly count: number
  /** newer ones, below the page */
  readonly below: number
}

export class RecordList {
  readonly #all: RecordRing
  readonly #matches: RecordRing
  #filter: RecordFilter | undefined
  #isHiding = true
  /** undefined: follows the newest */
  #cursor: number | undefined
  #top = 0
  #room = 1
  #matchCount = 0

  constructor(bounds: { readonly countMax?: number; readonly bytesMax?: number } = {}) {
    this.#all = new RecordRing(bounds)
    this.#matches = new RecordRing(bounds)
  }

  push(record: ShownRecord): void {
    this.#all.push(record)
    if (this.#filter?.matches(record)) this.#keepMatch(record)
  }

  #keepMatch(record: ShownRecord): void {
    this.#matchCount += 1
    this.#matches.push(record)
  }

  /** The list begins anew, for instance at another offset. */
  clear(): void {
    this.#all.clear()
    this.#matches.clear()
    this.#matchCount = 0
    this.follow()
  }

  // --- search ------------------------------------------------------------------------------------

  get filter(): RecordFilter | undefined {
    return this.#filter
  }

  /** Whether records that do not match are hidden. */
  get isHiding(): boolean {
    return this.#filter !== undefined && this.#isHiding
  }

  /** Matches since the search began, those included that were kept then. */
  get matchCount(): number {
    return this.#matchCount
  }

  /** All that are kept; during a search its matches, whether the others are hidden or not. */
  get loaded(): readonly ShownRecord[] {
    return this.#filter === undefined ? this.kept : recordsIn(this.#matches)
  }

  /** All that are kept, whatever is searched for. */
  get kept(): readonly ShownRecord[] {
    return recordsIn(this.#all)
  }

  filterBy(filter: RecordFilter | undefined): void {
    const selected = this.#isFollowing ? undefined : this.selected
    this.#filter = filter
    this.#matches.clear()
    this.#matchCount = 0
    this.#isHiding = true
    for (let at = this.#all.first; at < this.#all.end; at++) {
      const record = this.#all.at(at)
      if (record !== undefined && filter?.matches(record)) this.#keepMatch(record)
    }
    this.#select(selected)
  }

  /** Shows the other records again, with the matches marked, or hides them. */
  toggleHiding(): void {
    if (this.#filter === undefined) return
    const selected = this.#isFollowing ? undefined : this.selected
    this.#isHiding = !this.#isHiding
    this.#select(selected)
  }

  /** @returns whether there is one in this direction */
  toMatch(direction: 1 | -1): boolean {
    if (this.#filter === undefined) return false
    const ring = this.#shown
    for (let at = this.#at + direction; at >= ring.first && at < ring.end; at += direction) {
      const record = ring.at(at)
      if (record === undefined || !this.#filter.matches(record)) continue
      this.#moveTo(at)
      return true
    }
    return false
  }

  // --- selection ---------------------------------------------------------------------------------

  get isFollowing(): boolean {
    return this.#isFollowing
  }

  get selected(): ShownRecord | undefined {
    return this.#shown.at(this.#at)
  }

  follow(): void {
    this.#cursor = undefined
  }

  /** Keeps the selected record selected while newer ones arrive. */
  stay(): void {
    if (this.#shown.count > 0) this.#cursor = this.#at
  }

  /** @param key as blessed names it; other keys are ignored */
  press(key: string): void {
    switch (key) {
      case 'f':
        return this.isFollowing ? this.stay() : this.follow()
      case 'up':
      case 'k':
        return this.moveBy(-1)
      case 'down':
      case 'j':
        return this.moveBy(1)
      case 'pageup':
        return this.pageBy(-1)
      case 'pagedown':
        return this.pageBy(1)
      case 'home':
      case 'g':
        return this.toFirst()
      case 'end':
      case 'S-g':
        return this.follow()
    }
  }

  /** Down to the newest record means to follow. */
  moveBy(count: number): void {
    const to = this.#at + count
    if (count > 0 && to >= this.#shown.end - 1) this.follow()
    else this.#moveTo(to)
  }

  pageBy(pages: number): void {
    this.moveBy(pages * Math.max(1, this.#room - 1))
  }

  toFirst(): void {
    this.#moveTo(this.#shown.first)
  }

  /** @param row of the page, from 0. @returns whether it was selected before */
  click(row: number): boolean {
    const to = this.#topNow + row
    if (to < this.#shown.first || to >= this.#shown.end) return false
    const was = to === this.#at
    this.#top = this.#topNow
    this.#cursor = to
    return was
  }

  /** The records of a page with room for `room`. */
  page(room: number): ShownPage {
    this.#room = Math.max(1, room)
    const ring = this.#shown
    const top = this.#topNow
    this.#top = top
    const records: ShownRecord[] = []
    for (let at = top; at < Math.min(top + this.#room, ring.end); at++) {
      const record = ring.at(at)
      if (record !== undefined) records.push(record)
    }
    return {
      records,
      selected: records.length === 0 ? -1 : this.#at - top,
      top: top - ring.first,
      count: ring.count,
      below: Math.max(0, ring.end - top - records.length),
    }
  }

  get #isFollowing(): boolean {
    return this.#cursor === undefined
  }

  get #shown(): RecordRing {
    return this.isHiding ? this.#matches : this.#all
  }

  /** Position of the selected record. */
  get #at(): number {
    const { first, end } = this.#shown
    return this.#cursor === undefined ? end - 1 : Math.max(first, Math.min(this.#cursor, end - 1))
  }

  /** The page moves as little as the selection allows. */
  get #topNow(): number {
    const { first, end } = this.#shown
    const lastTop = Math.max(first, end - this.#room)
    if (this.#isFollowing) return lastTop
    const at = this.#at
    const top = Math.min(Math.max(this.#top, at - this.#room + 1), at)
    return Math.max(first, Math.min(top, lastTop))
  }

  #moveTo(position: number): void {
    const { first, end } = this.#shown
    if (end === first) return
    this.#top = this.#topNow
    this.#cursor = Math.max(first, Math.min(position, end - 1))
  }

  /** In a list with other positions; follows if it is not in there. */
  #select(record: ShownRecord | undefined): void {
    this.#cursor = undefined
    const ring = this.#shown
    if (record === undefined) return
    for (let at = ring.end - 1; at >= ring.first; at--) {
      if (ring.at(at) !== record) continue
      this.#cursor = at
      this.#top = Math.max(ring.first, at - Math.floor(this.#room / 2))
      return
    }
  }
}

function recordsIn(ring: RecordRing): readonly ShownRecord[] {
  const records: ShownRecord[] = []
  for (let at = ring.first; at < ring.end; at++) {
    const record = ring.at(at)
    if (record !== undefined) records.push(record)
  }
  return records
}
