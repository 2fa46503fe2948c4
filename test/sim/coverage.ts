// How often each event worth covering happened. Worlds count where they cause an event, or where a
// core's effect or a server's witness shows it, never by the text of a log line.

export class Coverage extends Map<string, number> {
  cover(what: string): void {
    this.set(what, this.countOf(what) + 1)
  }

  countOf(what: string): number {
    return this.get(what) ?? 0
  }

  add(other: ReadonlyMap<string, number>): void {
    for (const [what, count] of other) this.set(what, this.countOf(what) + count)
  }
}
