import t from 'tap'
import { dueBefore, type SegmentFacts } from '../../../src/broker/partition/retention.ts'

const nowMs = 1_000_000

/** Segments of ten records and 100 bytes each, with these ages of their newest records. */
function segments(ages: readonly number[], appended = 0): SegmentFacts[] {
  return ages.map((age, i) => {
    const place = { start: i * 10, end: (i + 1) * 10, bytes: 100 }
    return { ...place, maxTimestampMs: nowMs - age, appendedByMs: nowMs - appended }
  })
}

const unlimited = { retentionMs: -1, retentionBytes: -1 }
const cases = [
  { name: 'nothing is removed without a limit', ages: [9e5, 9e5], rules: {}, want: 0 },
  { name: 'what is older goes', ages: [90, 80, 50, 10], rules: { retentionMs: 70 }, want: 20 },
  { name: 'exactly as old stays', ages: [70, 10], rules: { retentionMs: 70 }, want: 0 },
  {
    name: 'one that is not due keeps those after it',
    ages: [90, 10, 90, 10],
    rules: { retentionMs: 70 },
    want: 10,
  },
  {
    name: 'the active segment goes as well when all of it is due',
    ages: [90, 80],
    rules: { retentionMs: 70 },
    want: 20,
  },
  {
    name: 'nothing that is not committed goes',
    ages: [90, 90, 90],
    rules: { retentionMs: 70 },
    highWatermark: 29,
    want: 20,
  },
  {
    name: 'what is too much goes, in whole segments',
    ages: [1, 1, 1, 1],
    rules: { retentionBytes: 250 },
    want: 10,
  },
  {
    name: 'as much as is kept stays',
    ages: [1, 1, 1, 1],
    rules: { retentionBytes: 400 },
    want: 0,
  },
  {
    name: 'the active segment stays, however small the limit',
    ages: [1, 1, 1],
    rules: { retentionBytes: 0 },
    want: 20,
  },
  {
    name: 'either limit is enough',
    ages: [90, 1, 1, 1],
    rules: { retentionMs: 70, retentionBytes: 250 },
    want: 10,
  },
]
for (const { name, ages, rules, highWatermark = 1000, want } of cases) {
  t.test(`dueBefore: ${name}`, async (t) => {
    t.equal(dueBefore(segments(ages), { ...unlimited, ...rules }, { highWatermark, nowMs }), want)
  })
}

t.test('a timestamp from the future keeps a segment no longer than its append', async (t) => {
  const context = { highWatermark: 1000, nowMs }
  const rules = { ...unlimited, retentionMs: 70 }
  t.equal(dueBefore(segments([-5000, 10], 60), rules, context), 0)
  t.equal(dueBefore(segments([-5000, 10], 80), rules, context), 20)
})

t.test('a log without segments has nothing to remove', async (t) => {
  t.equal(dueBefore([], { retentionMs: 0, retentionBytes: 0 }, { highWatermark: 5, nowMs }), 0)
})
