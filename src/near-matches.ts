// Suggestions for a misspelled name.

/**
 * @returns the names nearest to `word`, at most three: those that differ in a letter or two, or
 * begin with it; case is ignored
 */
export function nearMatches(word: string, names: Iterable<string>): string[] {
  const asked = word.toLowerCase()
  const within = Math.min(3, Math.floor(asked.length / 3))
  const found: { readonly name: string; readonly distance: number }[] = []
  for (const name of names) {
    const candidate = name.toLowerCase()
    const distance = editDistance(asked, candidate)
    if (distance <= within) found.push({ name, distance })
    else if (asked.length >= 3 && candidate.startsWith(asked))
      found.push({ name, distance: within })
  }
  found.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
  return found.slice(0, 3).map(({ name }) => name)
}

/** Letters to insert, delete, replace or swap with a neighbour (Damerau's distance). */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      let least = Math.min(replaced, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, (beforeLast[j - 2] ?? 0) + 1)
      }
      row.push(least)
    }
    beforeLast = last
    last = row
  }
  return last[b.length] ?? 0
}
