// Topics that brokers write for themselves. Clients do not delete them or change what they mean.

const names: ReadonlySet<string> = new Set(['__consumer_offsets', '__transaction_state'])

export function isInternalTopic(topic: string): boolean {
  return names.has(topic)
}
