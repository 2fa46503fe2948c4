/** In Java's format of a double, with up to four places: `0.0`, `1.5`. */
export function decimal(value: number): string {
  const rounded = Number(value.toFixed(4))
  return Number.isInteger(rounded) ? rounded.toFixed(1) : String(rounded)
}
