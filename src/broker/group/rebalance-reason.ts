// Why a group began its last rebalance, in words: for tools, which show it. Pure.

export interface Rebalance {
  readonly reason: string
  /** when it began */
  readonly atMs: number
}

interface Named {
  readonly id: string
  readonly instanceId: string | null
}

/** A static member keeps its instance id, where its member id is another each time. */
function nameOf({ id, instanceId }: Named): string {
  return instanceId === null ? `member ${id}` : `static member ${instanceId}`
}

export function joined(member: Named): string {
  return `${nameOf(member)} joined`
}

export function changed(member: Named): string {
  return `${nameOf(member)} changed its topics or its assignors`
}

/** An unchanged member that joins again: the leader of a stable group, or one that lost an answer. */
export function joinedAgain(member: Named, leader: string | undefined): string {
  if (member.id === leader) return `the leader, ${nameOf(member)}, asked for a new assignment`
  return `${nameOf(member)} joined again`
}

export const losses = {
  left: 'left',
  expired: 'was silent for its session timeout',
  syncOverdue: 'did not ask for its assignment in time',
} as const

/** @param gone at least one */
export function lost(gone: readonly Named[], how: keyof typeof losses): string {
  const [first = { id: '?', instanceId: null }, ...others] = gone
  const more =
    others.length === 0 ? '' : ` and ${others.length} ${others.length === 1 ? 'other' : 'others'}`
  return `${nameOf(first)}${more} ${losses[how]}`
}

export const notStored = 'the assignments could not be stored'
