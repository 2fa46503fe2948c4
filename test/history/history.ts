// What clients asked and what they were told, in the order in which it happened: all that a checker
// needs to know of an ensemble, whether it ran in real processes or in a simulator.
//
// Time is a counter that rises with each thing noted, so "ended before it began" is a comparison.
// Conventions that make a history decidable, which the load must keep:
//
//   - every value written is the operation's own, so a value seen names its writer;
//   - every znode created is named `t<operation>` or, sequential, `t<operation>-`, so a child seen
//     names its creator; names are not used again after a delete;
//   - znodes with values that change are made before, by a create, and never deleted.

import type { ErrorCode } from '../../src/protocol/error-codes.ts'
import type { SessionId, Stat } from '../../src/protocol/records.ts'
import type { CreateMode, EventType } from '../../src/protocol/zk/messages.ts'
import type { Zxid } from '../../src/protocol/zxid.ts'

/** Rises with each thing that happened to any client. */
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
  /** `synced`: behind a sync of the same session. `watch`: the number of a one-shot watch it sets */
  | {
      readonly type: 'getData' | 'getChildren'
      readonly path: string
      readonly synced: boolean
      readonly watch?: number | undefined
    }
  /** a persistent recursive watch */
  | { readonly type: 'addWatch'; readonly path: string; readonly watch: number }
  | { readonly type: 'closeSession' }

/** A znode as an answer showed it. */
export interface Sight {
  readonly path: string
  readonly stat: Stat
  /** undefined where the answer has none */
  readonly data?: string | undefined
  readonly children?: readonly string[] | undefined
}

/**
 * `refused` surely did not happen, `unknown` may have, now or later. The sights of a multi are those
 * of its parts that have a stat, in their order.
 */
export type Outcome =
  | { readonly type: 'ok'; readonly sights: readonly Sight[] }
  | { readonly type: 'refused'; readonly code: ErrorCode }
  | { readonly type: 'unknown' }

export interface Operation {
  /** from 1, in the order in which they begin */
  readonly id: number
  /** one connection to the ensemble after another, one session after another */
  readonly client: string
  /** the session it was answered in; 0 when it was not */
  readonly session: SessionId
  readonly call: Call
  readonly begins: Tick
  /** Infinity when it was never answered */
  readonly ends: Tick
  readonly outcome: Outcome
}

/** A watch event, at the moment its client was told. */
export interface Notice {
  readonly client: string
  readonly session: SessionId
  readonly watch: number
  readonly at: Tick
  readonly type: EventType
  readonly path: string
  /** 0 when a server found it missing by comparison only */
  readonly zxid: Zxid
}

/** One server's tree, read when everything was over: path to what lies there. */
export interface Replica {
  readonly server: string
  readonly znodes: ReadonlyMap<string, Sight>
}

export interface History {
  readonly operations: readonly Operation[]
  readonly notices: readonly Notice[]
  /** when clients lost their connection */
  readonly suspensions: readonly { readonly client: string; readonly at: Tick }[]
  /** from when on each session that ended must be over for everybody */
  readonly sessionsOver: ReadonlyMap<SessionId, Tick>
  readonly replicas: readonly Replica[]
}

/** Notes a history while it happens. */
export class Recorder implements History {
  readonly operations: Operation[] = []
  readonly notices: Notice[] = []
  readonly suspensions: { client: string; at: Tick }[] = []
  readonly sessionsOver = new Map<SessionId, Tick>()
  readonly replicas: Replica[] = []
  #tick: Tick = 0
  #operations = 0
  #watches = 0

  /** The number of the operation that begins next, for its name or its value. */
  get nextOperation(): number {
    return this.#operations + 1
  }

  nextWatch(): number {
    this.#watches++
    return this.#watches
  }

  /** @returns to be called once, with what it came to; until then the outcome is unknown */
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

/** The writes of a call, in their order. */
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
