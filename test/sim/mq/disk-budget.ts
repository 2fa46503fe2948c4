// Which disks have kept all that they ever promised: the fault budget of a life. The promises hold
// for a partition while one member of its ISR keeps an undamaged disk and is there when a leader is
// elected by reports (docs/correctness.md, section 5). Pure.

import type { Member, PartitionState } from '../../../src/broker/partition/partition-state.ts'

export interface Loss {
  readonly broker: number
  /** the last transaction before: who registered later promises with the disk as it is now */
  readonly zxid: number
  /** The broker can tell by itself that it lacks something. */
  readonly isTold: boolean
}

export class DiskBudget {
  /** the last loss of each broker */
  readonly #losses = new Map<number, Loss>()

  lost(loss: Loss): void {
    this.#losses.set(loss.broker, loss)
  }

  /** The disk that made this member's promise has kept it. */
  isWhole({ broker, brokerEpoch }: Member): boolean {
    const loss = this.#losses.get(broker)
    return loss === undefined || brokerEpoch > loss.zxid
  }

  /** Some member's disk is whole. */
  holds({ isr }: PartitionState): boolean {
    return isr.some((member) => this.isWhole(member))
  }

  /**
   * Whether the budget of every partition allows for this loss. One that its broker cannot tell is
   * made good by the others' reports alone, so all of them have to be whole.
   */
  allows(states: readonly PartitionState[], { broker, isTold }: Omit<Loss, 'zxid'>): boolean {
    return states.every(({ isr }) => {
      const others = isr.filter((member) => member.broker !== broker)
      const whole = others.filter((member) => this.isWhole(member))
      return whole.length > 0 && (isTold || whole.length === others.length)
    })
  }

  /** One that may lead by a report lacks something which its broker cannot tell. */
  isInDoubt(states: readonly PartitionState[]): boolean {
    return states.some(({ isr, eligible }) =>
      [...isr, ...eligible].some(
        (member) => !this.isWhole(member) && this.#losses.get(member.broker)?.isTold === false,
      ),
    )
  }
}
