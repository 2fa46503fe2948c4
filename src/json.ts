// Reading JSON that anything may stand in: a znode, which any client may write, or a file.

/** The object in the text, or an empty one. */
export function objectOf(bytes: Buffer | null | undefined): Record<string, unknown> {
  try {
    return asObject(JSON.parse(bytes?.toString('utf8') ?? ''))
  } catch {
    return {}
  }
}

export function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

export function isNatural(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

export function naturalOf(text: unknown): number | undefined {
  if (typeof text !== 'string' || !/^\d{1,16}$/.test(text)) return undefined
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : undefined
}
