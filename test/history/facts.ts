// The certain facts of a history: which znode changed at which zxid, the value of each version of a
// register, and what was certainly committed at any moment. The checks in check-*.ts compare
// operations with these facts.

import { basename, parentOf } from '../../src/protocol/path.ts'
import type { Zxid } from '../../src/protocol/zxid.ts'
import {
  type History,
  type Operation,
  type Sight,
  sightsOf,
  type Tick,
  writesOf,
} from './history.ts'

/** Found by a check; `operation` is where it appeared. */
export interface Violation {
  readonly rule: string
  readonly operation: number | undefined
  readonly found: string
}

/** A version of a register. */
export interface RegisterState {
  readonly mzxid: Zxid
  readonly data: string
}

/** Known zxids of changes to one facet of a znode, ascending. */
export type Changes = readonly Zxid[]

export interface Facts {
  readonly violations: Violation[]
  /** by path, then version: every register state that a client saw */
  readonly registers: ReadonlyMap<string, ReadonlyMap<number, RegisterState>>
  /** when a znode's data, or its set of children, certainly changed */
  readonly dataChanges: (path: string) => Changes
  readonly childChanges: (path: string) => Changes
  /** by operation: the zxid at which its value was seen to be written */
  readonly seenAt: ReadonlyMap<number, Zxid>
  /** what was certainly committed when an operation began: the highest zxid shown */
  readonly committedBefore: (tick: Tick) => Zxid
}

export function factsOf(history: History): Facts {
  const violations: Violation[] = []
  const registers = new Map<string, Map<number, RegisterState>>()
  const data = new Map<string, Set<Zxid>>()
  const children = new Map<string, Set<Zxid>>()

  const claim = (operation: Operation, path: string, version: number, state: RegisterState) => {
    note(data, path, state.mzxid)
    const states = registers.get(path) ?? new Map<number, RegisterState>()
    registers.set(path, states)
    const known = states.get(version)
    states.set(version, known ?? state)
    if (known === undefined) return
    if (known.mzxid === state.mzxid && known.data === state.data) return
    const found = `version ${version} of ${path} is ${say(known)} and ${say(state)}`
    violations.push({ rule: 'one history', operation: operation.id, found })
  }

  for (const operation of history.operations) {
    const values = new Map(
      writesOf(operation.call).map((write) => [
        write.path,
        write.type === 'delete' ? undefined : write.data,
      ]),
    )
    for (const sight of sightsOf(operation)) {
      const { path, stat } = sight
      const value = sight.data ?? values.get(path)
      if (value === undefined) note(data, path, stat.mzxid)
      else claim(operation, path, stat.version, { mzxid: stat.mzxid, data: value })
      note(children, path, stat.pzxid)
      if (path !== '/') note(children, parentOf(path), stat.czxid)
    }
  }

  // All parts of a multi have one zxid: a part that was seen proves the others.
  const seenAt = new Map<number, Zxid>()
  for (const states of registers.values()) {
    for (const { data, mzxid } of states.values()) seenAt.set(writerOf(data) ?? 0, mzxid)
  }
  for (const operation of history.operations) {
    if (operation.call.type !== 'multi') continue
    const mzxid = seenAt.get(operation.id)
    if (mzxid === undefined) continue
    for (const write of operation.call.calls) {
      if (write.type !== 'setData' || write.version < 0) continue
      claim(operation, write.path, write.version + 1, { mzxid, data: write.data })
    }
  }

  return {
    violations,
    registers,
    seenAt,
    dataChanges: sorted(data),
    childChanges: sorted(children),
    committedBefore: committed(history.operations),
  }
}

/** The value of operation `id`, whatever its target. */
export function valueFor(id: number): string {
  return `w${id}`
}

/** The operation that wrote a value, or created a child of this name. */
export function writerOf(value: string): number | undefined {
  const digits = /^[wt](\d+)(?:-\d{10})?$/.exec(value)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** The name that operation `id` creates; sequential names get a number appended. */
export function nameFor(id: number, { sequential }: { readonly sequential: boolean }): string {
  return sequential ? `t${id}-` : `t${id}`
}

/** The number of a sequential create. */
export function sequenceOf(path: string): number {
  return Number(/\d{10}$/.exec(basename(path))?.[0] ?? Number.NaN)
}

/** The highest zxid in the sight: its state is at least that late. */
export function shownBy({ stat }: Sight): Zxid {
  return Math.max(stat.czxid, stat.mzxid, stat.pzxid) as Zxid
}

/** The first of `changes` above `zxid`. */
export function successor(changes: Changes, zxid: Zxid): Zxid | undefined {
  return changes[firstIndex(changes, (change) => change > zxid)]
}

/** Index of the first item that `holds`; the items that hold come last. */
export function firstIndex<T>(items: readonly T[], holds: (item: T) => boolean): number {
  let from = 0
  let to = items.length
  while (from < to) {
    const middle = (from + to) >>> 1
    if (holds(items[middle] as T)) to = middle
    else from = middle + 1
  }
  return from
}

export function byEnd(a: Operation, b: Operation): number {
  return a.ends - b.ends
}

function note(changes: Map<string, Set<Zxid>>, path: string, zxid: Zxid): void {
  const known = changes.get(path)
  if (known === undefined) changes.set(path, new Set([zxid]))
  else known.add(zxid)
}

function sorted(changes: ReadonlyMap<string, ReadonlySet<Zxid>>): (path: string) => Changes {
  const lists = new Map([...changes].map(([path, set]) => [path, [...set].sort((a, b) => a - b)]))
  return (path) => lists.get(path) ?? []
}

function committed(operations: readonly Operation[]): (tick: Tick) => Zxid {
  const steps: { readonly ends: Tick; readonly zxid: Zxid }[] = []
  let highest = 0 as Zxid
  for (const operation of operations.filter(({ outcome }) => outcome.type === 'ok').sort(byEnd)) {
    const shown = Math.max(highest, ...sightsOf(operation).map(shownBy)) as Zxid
    if (shown === highest) continue
    highest = shown
    steps.push({ ends: operation.ends, zxid: shown })
  }
  return (tick) => steps[firstIndex(steps, ({ ends }) => ends >= tick) - 1]?.zxid ?? (0 as Zxid)
}

function say({ mzxid, data }: RegisterState): string {
  return `'${data}' of 0x${mzxid.toString(16)}`
}
