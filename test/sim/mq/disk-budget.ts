// The fault budget of a life: which disks still have everything that they were in sync with. The
// promises hold for a partition while one member of its ISR keeps an undamaged disk and is present
// when a leader is elected by reports (docs/correctness.md, section 5). Pure.

import type { Member, PartitionState } from '../../../src/broker/partition/partition-state.ts'

export interface Loss {
  readonly broker: number
  /**
   * the last transaction before: a broker that registered later is in sync with its present disk
   */
  readonly zxid: number
  /** The broker can notice by itself that it lacks something. */
  readonly isTold: boolean
  /** The broker notices when it reads what it lacks, perhaps long after its start. */
  readonly isHidden?: boolean
}

export class DiskBudget {
  /** the last loss of each broker */
  readonly #losses = new Map<number, Loss>()

  lost(loss: Loss): void {
    this.#losses.set(loss.broker, loss)
  }

  /** Whether some broker may not have noticed yet what it lacks, but will. */
  get hasHidden(): boolean {
    return [...this.#losses.values()].some(({ isHidden }) => isHidden === true)
  }

  /** This life of the broker has read all of its logs, and what was damaged is in no ISR any more. */
  checked({ broker, brokerEpoch }: Pick<Loss, 'broker'> & { readonly brokerEpoch: number }): void {
    const loss = this.#losses.get(broker)
    if (loss?.isHidden !== true || brokerEpoch <= loss.zxid) return
    this.#losses.set(broker, { broker, zxid: loss.zxid, isTold: loss.isTold })
  }

  /** The member's disk still has everything that it was in sync with. */
  isWhole({ broker, brokerEpoch }: Member): boolean {
    const loss = this.#losses.get(broker)
    return loss === undefined || (brokerEpoch > loss.zxid && loss.isHidden !== true)
  }

  /** Some member's disk is whole. */
  holds({ isr }: PartitionState): boolean {
    return isr.some((member) => this.isWhole(member))
  }

  /**
   * Whether the budget of every partition allows this loss. A loss that its broker cannot notice is
   * repaired by the others' reports alone, so all of them have to be whole.
   */
  allows(states: readonly PartitionState[], { broker, isTold }: Omit<Loss, 'zxid'>): boolean {
    return states.every(({ isr }) => {
      const others = isr.filter((member) => member.broker !== broker)
      const whole = others.filter((member) => this.isWhole(member))
      return whole.length > 0 && (isTold || whole.length === others.length)
    })
  }

  /** A replica that may lead by a report lacks something that its broker cannot notice. */
  isInDoubt(states: readonly PartitionState[]): boolean {
    return states.some(({ isr, eligible }) =>
      [...isr, ...eligible].some(
        (member) => !this.isWhole(member) && this.#losses.get(member.broker)?.isTold === false,
      ),
    )
  }
}
