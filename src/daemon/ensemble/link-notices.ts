// What is logged of links that are refused or fail. A stranger can cause all of it at will, so that
// each kind is logged once a minute (rare-warnings.ts); text from outside is cut short and escaped.

import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import { oneLine, printable } from '../../printable.ts'
import type { ProtocolError } from '../../protocol/error-codes.ts'
import type { ServerId } from '../../protocol/records.ts'
import { kindOf } from '../../protocol/strangers.ts'
import { RareWarnings } from '../../rare-warnings.ts'

/** Most characters logged of a reason that came from outside. */
const reasonLengthMax = 1000

/** The other end of a link. */
export interface OtherEnd {
  /** undefined: it has not said yet which server it is */
  readonly peer: ServerId | undefined
  readonly address: string
}

export class LinkNotices {
  readonly #warnings: RareWarnings

  constructor(logger: Logger, clock: Clock) {
    this.#warnings = new RareWarnings(logger, clock)
  }

  refusing({ peer, address }: OtherEnd, reason: string): void {
    this.#warnings.warn(
      `refusing ${peer ?? 'one'} ${hostOf(address)} ${reason.replaceAll(address, '')}`,
      { peer, address, reason: quoted(reason) },
      'Refusing a peer',
    )
  }

  refusedBy({ peer, address }: OtherEnd, reason: string): void {
    this.#warnings.warn(
      `refused by ${peer ?? hostOf(address)} ${reason.replaceAll(/\d+/g, '')}`,
      { peer, address, reason: quoted(reason) },
      'Refused by a peer',
    )
  }

  /** An open link is refused because another process has its id. */
  displaced({ peer, address }: OtherEnd, reason: string): void {
    this.#warnings.warn(`displaced ${peer}`, { peer, address, reason }, 'Refusing a peer')
  }

  noMember({ peer, address }: OtherEnd, instance: number): void {
    const message =
      'A server does not name our ensemble: it has no data or other data, and counts once it has taken ours'
    this.#warnings.warn(`no member ${peer} ${instance}`, { peer, address }, message)
  }

  closed({ peer, address }: OtherEnd, reason: ProtocolError): void {
    this.#warnings.warn(
      `closed ${peer ?? hostOf(address)} ${kindOf(reason)}`,
      { peer, address, reason: reason.message },
      'Closed a peer link',
    )
  }

  /** Reports the counts so far; later notices are dropped. */
  close(): void {
    this.#warnings.close()
  }
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':'))
}

/** Text from another server, without characters that could control a terminal. */
export function quoted(text: string): string {
  return oneLine(printable(text.slice(0, reasonLengthMax)))
}
