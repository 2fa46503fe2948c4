// Reading the JSON of znodes, into which any client may write anything.

import type { BrokerId } from '../../protocol/mq/messages.ts'

/** The object in the text, or an empty one. */
export function objectOf(data: Buffer | null): Record<string, unknown> {
  try {
    return asObject(JSON.parse(data?.toString('utf8') ?? ''))
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

/** Each once. */
export function isBrokerIds(value: unknown): value is BrokerId[] {
  if (!Array.isArray(value) || value.length === 0 || !value.every(isNatural)) return false
  return new Set(value).size === value.length
}

export function naturalOf(text: unknown): number | undefined {
  if (typeof text !== 'string' || !/^\d{1,16}$/.test(text)) return undefined
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : undefined
}
