import t from 'tap'
import { offsetTarget, type TargetFlags } from '../../../src/cli/commands/offset-target.ts'

const none: TargetFlags = {
  to: undefined,
  shift: undefined,
  toDatetime: undefined,
  byDuration: undefined,
}

t.test('each flag of reset-offsets names a place', async (t) => {
  const target = (flags: Partial<TargetFlags>) => offsetTarget({ ...none, ...flags }, 1_000_000)
  t.equal(target({}), undefined)
  t.same(target({ to: 'end' }), { type: 'end' })
  t.same(target({ to: '12' }), { type: 'offset', offset: 12 })
  t.same(target({ shift: -3 }), { type: 'shift', by: -3 })
  t.same(target({ toDatetime: '1970-01-01T00:00:05' }), { type: 'time', timestampMs: 5000 })
  t.same(target({ byDuration: 'PT1M' }), { type: 'time', timestampMs: 940_000 })
  t.same(target({ byDuration: '1d' }), { type: 'time', timestampMs: 0 })
  t.throws(() => target({ to: '-1' }), { name: 'BadUsage' })
  t.throws(() => target({ to: 'end', byDuration: '1d' }), {
    name: 'BadUsage',
    message: 'Cannot use --to with --by-duration',
  })
})
