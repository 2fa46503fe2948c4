import t from 'tap'
import { LeaderEpochs } from '../../../src/broker/partition/leader-epochs.ts'

function epochs(): LeaderEpochs {
  const made = new LeaderEpochs()
  for (const [epoch, offset] of [
    [1, 0],
    [1, 5],
    [3, 10],
    [4, 16],
  ] as const) {
    made.appended(epoch, offset)
  }
  return made
}

const cases = [
  { name: 'the current epoch ends at the log end', epoch: 4, want: { epoch: 4, endOffset: 20 } },
  { name: 'a later one is the current one', epoch: 9, want: { epoch: 4, endOffset: 20 } },
  { name: 'an older one ends where the next begins', epoch: 3, want: { epoch: 3, endOffset: 16 } },
  { name: 'one without records is the one before', epoch: 2, want: { epoch: 1, endOffset: 10 } },
  { name: 'one before all is unknown', epoch: 0, want: undefined },
]
for (const { name, epoch, want } of cases) {
  t.test(`LeaderEpochs: ${name}`, async (t) => {
    t.strictSame(epochs().endOf(epoch, 20), want)
  })
}

t.test('truncation forgets the epochs that begin behind the cut', async (t) => {
  const cut = epochs()
  cut.truncated(12)
  t.equal(cut.latest, 3)
  t.strictSame(cut.endOf(4, 12), { epoch: 3, endOffset: 12 })
  cut.truncated(0)
  t.equal(cut.latest, -1)
  t.equal(cut.endOf(4, 0), undefined)
})

t.test(
  'removal from the start keeps the epoch of the record before it, and where it ends',
  async (t) => {
    const cut = epochs()
    cut.startMoved(12)
    t.strictSame(cut.endOf(3, 20), { epoch: 3, endOffset: 16 })
    t.equal(cut.endOf(2, 20), undefined, 'of earlier epochs nothing is left')
    cut.startMoved(20)
    t.equal(cut.latest, 4, 'an emptied log does not fall back to earlier epochs')
    t.strictSame(cut.endOf(9, 20), { epoch: 4, endOffset: 20 })
    cut.truncated(20)
    t.equal(cut.latest, 4, 'what was removed cannot be truncated')
  },
)

t.test('the list of a log up to an offset restores what was known there', async (t) => {
  const [known, restored] = [epochs(), new LeaderEpochs()]
  known.startMoved(7)
  restored.restore(known.between(7, 16))
  t.strictSame(known.between(7, 16), { baseEpoch: 1, starts: [{ epoch: 3, startOffset: 10 }] })
  t.strictSame(restored.endOf(4, 16), { epoch: 3, endOffset: 16 })
  t.strictSame(restored.endOf(1, 16), { epoch: 1, endOffset: 10 })
})
