// Registers: znodes whose data is set repeatedly. Each version was written by exactly one
// operation; an acknowledged write happened once, a refused one never, the rest at most once.

import { type Facts, firstIndex, type RegisterState, type Violation, writerOf } from './facts.ts'
import { type History, type Operation, sightsOf, type Tick, writesOf } from './history.ts'

interface Write {
  readonly operation: Operation
  /** the version it must find; -1 is any */
  readonly expected: number
  readonly data: string
}

export function checkRegisters(history: History, facts: Facts): Violation[] {
  const violations: Violation[] = []
  const writes = writesByPath(history)
  for (const [path, states] of facts.registers) {
    const register = new Register(path, states, writes.get(path) ?? [], history, facts)
    violations.push(...register.check())
  }
  return violations
}

function writesByPath(history: History): Map<string, Write[]> {
  const writes = new Map<string, Write[]>()
  for (const operation of history.operations) {
    for (const write of writesOf(operation.call)) {
      if (write.type !== 'setData') continue
      const one = { operation, expected: write.version, data: write.data }
      const known = writes.get(write.path)
      if (known === undefined) writes.set(write.path, [one])
      else known.push(one)
    }
  }
  return writes
}

class Register {
  readonly #path: string
  readonly #states: ReadonlyMap<number, RegisterState>
  readonly #writes: readonly Write[]
  readonly #facts: Facts
  readonly #operations: readonly Operation[]
  readonly #versionOf = new Map<string, number>()
  readonly #violations: Violation[] = []
  /** When the highest version so far was first shown, ascending by both. */
  readonly #shown: { readonly version: number; readonly ends: Tick }[] = []

  constructor(
    path: string,
    states: ReadonlyMap<number, RegisterState>,
    writes: readonly Write[],
    history: History,
    facts: Facts,
  ) {
    this.#path = path
    this.#states = states
    this.#writes = writes
    this.#facts = facts
    this.#operations = history.operations
    const sights: { version: number; ends: Tick }[] = []
    for (const operation of history.operations) {
      for (const sight of sightsOf(operation)) {
        if (sight.path === path) sights.push({ version: sight.stat.version, ends: operation.ends })
      }
    }
    for (const sight of sights.sort((a, b) => a.ends - b.ends)) {
      if (sight.version > (this.#shown.at(-1)?.version ?? -1)) this.#shown.push(sight)
    }
  }

  check(): Violation[] {
    this.#checkVersions()
    for (const write of this.#writes) this.#checkWrite(write)
    this.#checkGaps()
    return this.#violations
  }

  /** Versions rise with zxids, and each value was written once, by an operation. */
  #checkVersions(): void {
    let before: { version: number; state: RegisterState } | undefined
    for (const [version, state] of [...this.#states].sort(([a], [b]) => a - b)) {
      if (before !== undefined && before.state.mzxid >= state.mzxid) {
        this.#report('one history', undefined, `version ${version} is older than ${before.version}`)
      }
      before = { version, state }
      const twice = this.#versionOf.get(state.data)
      if (twice !== undefined) {
        const found = `'${state.data}' is version ${twice} and ${version}`
        this.#report('at most once', writerOf(state.data), found)
      }
      this.#versionOf.set(state.data, version)
      const writer = this.#operations[(writerOf(state.data) ?? 0) - 1]
      const wrote =
        writer !== undefined &&
        writesOf(writer.call).some(
          (write) =>
            this.#path.startsWith(write.path) &&
            write.type !== 'delete' &&
            write.data === state.data,
        )
      if (!wrote)
        this.#report('nothing from nowhere', undefined, `no operation wrote '${state.data}'`)
    }
  }

  #checkWrite({ operation, expected, data }: Write): void {
    const { id, outcome, begins } = operation
    const version = this.#versionOf.get(data)
    if (outcome.type === 'ok' && version === undefined) {
      return this.#report(
        'acknowledged is kept',
        id,
        `'${data}' was acknowledged without a version`,
      )
    }
    if (version === undefined) {
      if (outcome.type === 'refused' && outcome.code === 'BADVERSION') {
        this.#checkRefusal(operation, expected)
      }
      return
    }
    if (outcome.type === 'refused') {
      this.#report('refused is never', id, `'${data}' was refused and is version ${version}`)
    }
    if (expected >= 0 && version !== expected + 1) {
      const found = `it was to replace version ${expected} and became ${version}`
      this.#report('compare and set', id, found)
    }
    const state = this.#states.get(version)
    const floor = this.#facts.committedBefore(begins)
    if (outcome.type === 'unknown' && state !== undefined && state.mzxid <= floor) {
      this.#report('writes in real time', id, `'${data}' was there before it was asked for`)
    }
  }

  /** Refused for its version, although no other version was possible at any time. */
  #checkRefusal({ id, call, begins, ends }: Operation, expected: number): void {
    // Another part of a multi may be the cause.
    if (call.type !== 'setData') return
    const least = this.#shown[firstIndex(this.#shown, (shown) => shown.ends >= begins) - 1]?.version
    const next = this.#states.get(expected + 1)
    const replacedBy = next && this.#operations[(writerOf(next.data) ?? 0) - 1]
    if (least !== expected || replacedBy === undefined || replacedBy.begins < ends) return
    this.#report('compare and set', id, `it was refused, while version ${expected} was there`)
  }

  /** Versions that no client saw were written by operations with unknown outcome, one each. */
  #checkGaps(): void {
    const highest = Math.max(...this.#states.keys())
    const open = this.#writes.filter(
      ({ operation, data }) => operation.outcome.type === 'unknown' && !this.#versionOf.has(data),
    )
    const anywhere = open.filter(({ expected }) => expected < 0)
    let needed = 0
    for (let version = 1; version <= highest; version++) {
      if (this.#states.has(version)) continue
      const by =
        this.#shown[firstIndex(this.#shown, (shown) => shown.version >= version)]?.ends ?? 0
      const fits = ({ operation }: Write) => operation.begins < by
      if (open.some((write) => write.expected === version - 1 && fits(write))) continue
      needed++
      if (anywhere.filter(fits).length >= needed) continue
      this.#report('at most once', undefined, `no operation can have written version ${version}`)
    }
  }

  #report(rule: string, operation: number | undefined, found: string): void {
    this.#violations.push({ rule, operation, found: `${this.#path}: ${found}` })
  }
}
