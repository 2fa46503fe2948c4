// A leader that hands over, as the driver sees it: the caller that waits for the outcome, and
// whether Zab waits until nothing is in flight. zab/transfer.ts has the protocol.

import type { EnsembleRole, TransferOutcome } from './ensemble.ts'

type Done = (outcome: TransferOutcome) => void

export class LeadershipTransfer {
  #done: Done | undefined
  #isDraining = false

  /** Whether somebody waits for an outcome. */
  get isAsked(): boolean {
    return this.#done !== undefined
  }

  /** Why a transfer cannot begin; undefined if Zab is to judge. */
  refusal({ isHolding }: { readonly isHolding: boolean }): string | undefined {
    if (this.isAsked) return 'a transfer of leadership is in progress'
    return isHolding ? 'this leader is about to begin its next epoch' : undefined
  }

  asked(done: Done): void {
    this.#done = done
  }

  /** Zab wants to know when nothing is in flight any more. */
  drain(): void {
    this.#isDraining = true
  }

  /**
   * @param inFlight what was proposed and is not delivered, and questions that wait for a quorum
   * @returns whether to tell Zab now
   */
  takeDrained(inFlight: number): boolean {
    if (!this.#isDraining || inFlight > 0) return false
    this.#isDraining = false
    return true
  }

  roleChanged(role: EnsembleRole): void {
    if (role.type === 'following') this.end({ type: 'transferred', leader: role.leader })
    else this.end({ type: 'not leading' })
  }

  end(outcome: TransferOutcome): void {
    this.#isDraining = false
    const done = this.#done
    this.#done = undefined
    done?.(outcome)
  }
}
