// How often each thing worth covering happened. Worlds count where they cause a thing, or where a core's
// effect or a server's witness shows it; never by what a log line says.

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
