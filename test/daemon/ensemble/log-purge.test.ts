import t from 'tap'
import { LogPurge } from '../../../src/daemon/ensemble/log-purge.ts'
import type { LogKept, PurgePoint } from '../../../src/daemon/storage/txn-log.ts'
import { makeZxid, type Zxid } from '../../../src/protocol/zxid.ts'

const z = (counter: number): Zxid => makeZxid({ epoch: 1, counter })
const kept: LogKept = { segments: 1, bytes: 0 }

/** A log with a segment per ten transactions, which records every step in order. */
class FakeLog {
  readonly #told: string[]

  constructor(told: string[]) {
    this.#told = told
  }

  purgePoint(covered: Zxid): PurgePoint | undefined {
    const base = Math.floor((covered - z(0)) / 10) * 10
    return base === 0 ? undefined : { base: z(base), first: z(base + 1) }
  }

  purge({ base }: PurgePoint): void {
    this.#told.push(`dropped up to ${base - z(0)}`)
  }
}

function made(options: { readonly kept?: LogKept | undefined } = { kept }) {
  const told: string[] = []
  const state = { mayPurge: true }
  const saving: (() => void)[] = []
  const purge = new LogPurge(new FakeLog(told), options.kept, {
    mayPurge: () => state.mayPurge,
    saveBase: (base, saved) => {
      told.push(`saving ${base - z(0)}`)
      saving.push(saved)
    },
    purging: (base) => told.push(`purging ${base - z(0)}`),
  })
  const saved = () => saving.shift()?.()
  return { purge, told, state, saved }
}

t.test('meta names the new beginning of the log before the log is cut', async (t) => {
  const { purge, told, saved } = made()
  purge.persisted(z(25))
  t.same(told.splice(0), ['saving 20'])
  saved()
  t.same(told, ['purging 20', 'dropped up to 20'])
})

t.test('one purge is under way at a time', async (t) => {
  const { purge, told, saved } = made()
  purge.persisted(z(25))
  purge.persisted(z(35))
  t.same(told.splice(0), ['saving 20'])
  saved()
  purge.persisted(z(45))
  t.same(told, ['purging 20', 'dropped up to 20', 'saving 40'])
})

t.test(
  'nothing is purged while a learner may need it, before or after meta is saved',
  async (t) => {
    const { purge, told, state, saved } = made()
    state.mayPurge = false
    purge.persisted(z(25))
    t.same(told, [])
    state.mayPurge = true
    purge.persisted(z(25))
    state.mayPurge = false
    saved()
    t.same(told, ['saving 20'])
  },
)

t.test("a log that replaced another is not cut at the old one's point", async (t) => {
  const { purge, told, saved } = made()
  purge.persisted(z(25))
  purge.restartWith(new FakeLog(told))
  saved()
  t.same(told, ['saving 20'])
})

t.test('a log that is kept whole is never purged', async (t) => {
  const { purge, told } = made({ kept: undefined })
  purge.persisted(z(95))
  t.same(told, [])
})

t.test('a log with nothing to drop saves nothing', async (t) => {
  const { purge, told } = made()
  purge.persisted(z(9))
  t.same(told, [])
})
