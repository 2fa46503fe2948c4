/** As Java prints a double of up to four places: `0.0`, `1.5`. */
export function decimal(value: number): string {
  const rounded = Number(value.toFixed(4))
  return Number.isInteger(rounded) ? rounded.toFixed(1) : String(rounded)
}
