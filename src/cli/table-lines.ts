// A table for a terminal or a pipe: a title line and a line per row, columns as wide as they need.

export interface Column<Row> {
  readonly title: string
  /** whether its cells end at the same column, as numbers should */
  readonly right: boolean
  readonly of: (row: Row) => string
}

export function tableLines<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string[] {
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ of }) => of(row))),
  ]
  const widths = columns.map((_, i) => Math.max(...cells.map((row) => (row[i] ?? '').length)))
  return cells.map((row) => {
    const padded = row.map((cell, i) => {
      const width = widths[i] ?? 0
      return columns[i]?.right === true ? cell.padStart(width) : cell.padEnd(width)
    })
    return padded.join('  ').trimEnd()
  })
}
