// The assignors of group members, by Kafka's names (assignors.ts).

export const assignorNames = ['range', 'roundrobin', 'sticky', 'cooperative-sticky'] as const
export type AssignorName = (typeof assignorNames)[number]

/** Whether members keep what they have during a rebalance. */
export function isCooperative(name: AssignorName): boolean {
  return name === 'cooperative-sticky'
}
