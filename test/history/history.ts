// The requests of clients and their answers, in order: everything a checker needs to know of an
// ensemble, whether it ran in real processes or in a simulator.
//
// Time is a counter that rises with each entry, so "ended before it began" is a comparison.
// Conventions that make a history decidable, which the load must keep:
//
//   - every value written is the operation's own, so a value identifies its writer;
//   - every znode created is named `t<operation>` or, sequential, `t<operation>-`, so a child
//     identifies its creator; names are not reused after a delete;
//   - znodes whose values change are created beforehand, and never deleted.

import type { ErrorCode } from '../../src/protocol/error-codes.ts'
import type { SessionId, Stat } from '../../src/protocol/records.ts'
import type { CreateMode, EventType } from '../../src/protocol/zk/messages.ts'
import type { Zxid } from '../../src/protocol/zxid.ts'

/** Rises with each event of any client. */
export type Tick = number

/** `version` -1 means any. */
export type WriteCall =
  | {
      readonly type: 'create'
      readonly path: string
      readonly data: string
      readonly mode: CreateMode
    }
  | { readonly type: 'delete'; readonly path: string; readonly version: number }
  | {
      readonly type: 'setData'
      readonly path: string
      readonly data: string
      readonly version: number
    }

export type Call =
  | WriteCall
  | { readonly type: 'multi'; readonly calls: readonly WriteCall[] }
  /** `synced`: after a sync of the same session. `watch`: the number of a one-shot watch it sets */
  | {
      readonly type: 'getData' | 'getChildren'
      readonly path: string
      readonly synced: boolean
      readonly watch?: number | undefined
    }
  /** a persistent recursive watch */
  | { readonly type: 'addWatch'; readonly path: string; readonly watch: number }
  | { readonly type: 'closeSession' }

/** A znode as shown in an answer. */
export interface Sight {
  readonly path: string
  readonly stat: Stat
  /** undefined if the answer has none */
  readonly data?: string | undefined
  readonly children?: readonly string[] | undefined
}

/**
 * `refused` certainly did not happen, `unknown` may have, now or later. The sights of a multi are
 * those of its parts that have a stat, in order.
 */
export type Outcome =
  | { readonly type: 'ok'; readonly sights: readonly Sight[] }
  | { readonly type: 'refused'; readonly code: ErrorCode }
  | { readonly type: 'unknown' }

export interface Operation {
  /** from 1, in the order in which they begin */
  readonly id: number
  /** one connection to the ensemble at a time, one session at a time */
  readonly client: string
  /** the session in which it was answered; 0 if it was not */
  readonly session: SessionId
  readonly call: Call
  readonly begins: Tick
  /** Infinity if it was never answered */
  readonly ends: Tick
  readonly outcome: Outcome
}

/** A watch event, when its client received it. */
export interface Notice {
  readonly client: string
  readonly session: SessionId
  readonly watch: number
  readonly at: Tick
  readonly type: EventType
  readonly path: string
  /** 0 if a server found the missed change by comparison only */
  readonly zxid: Zxid
}

/** One server's tree, read at the end: path to contents. */
export interface Replica {
  readonly server: string
  readonly znodes: ReadonlyMap<string, Sight>
}

export interface History {
  readonly operations: readonly Operation[]
  readonly notices: readonly Notice[]
  /** when clients lost their connection */
  readonly suspensions: readonly { readonly client: string; readonly at: Tick }[]
  /** the time by which each ended session must be over for every client */
  readonly sessionsOver: ReadonlyMap<SessionId, Tick>
  readonly replicas: readonly Replica[]
}

/** Records a history while it happens. */
export class Recorder implements History {
  readonly operations: Operation[] = []
  readonly notices: Notice[] = []
  readonly suspensions: { client: string; at: Tick }[] = []
  readonly sessionsOver = new Map<SessionId, Tick>()
  readonly replicas: Replica[] = []
  #tick: Tick = 0
  #operations = 0
  #watches = 0

  /** The number of the next operation, for its name or its value. */
  get nextOperation(): number {
    return this.#operations + 1
  }

  nextWatch(): number {
    this.#watches++
    return this.#watches
  }

  /** @returns a function to call once with the outcome; until then the outcome is unknown */
  begin(client: string, call: Call): (outcome: Outcome, session: SessionId) => void {
    const id = ++this.#operations
    const begins = ++this.#tick
    const session = 0 as SessionId
    const ends = Number.POSITIVE_INFINITY
    this.operations.push({ id, client, session, call, begins, ends, outcome: { type: 'unknown' } })
    return (outcome, session) => {
      const answered = { id, client, session, call, begins, ends: ++this.#tick, outcome }
      this.operations[id - 1] = answered
    }
  }

  notice(notice: Omit<Notice, 'at'>): void {
    this.notices.push({ ...notice, at: ++this.#tick })
  }

  suspended(client: string): void {
    this.suspensions.push({ client, at: ++this.#tick })
  }

  /** It was closed with an answer, or left alone for longer than its time-out. */
  sessionOver(session: SessionId): void {
    if (!this.sessionsOver.has(session)) this.sessionsOver.set(session, ++this.#tick)
  }
}

/** The writes of a call, in order. */
export function writesOf(call: Call): readonly WriteCall[] {
  switch (call.type) {
    case 'create':
    case 'delete':
    case 'setData':
      return [call]
    case 'multi':
      return call.calls
    case 'getData':
    case 'getChildren':
    case 'addWatch':
    case 'closeSession':
      return []
  }
}

export function sightsOf({ outcome }: Operation): readonly Sight[] {
  return outcome.type === 'ok' ? outcome.sights : []
}
