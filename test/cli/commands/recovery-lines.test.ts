import t from 'tap'
import { recoveryLines } from '../../../src/cli/commands/recovery-lines.ts'
import { type BrokerId, noBroker } from '../../../src/protocol/mq/messages.ts'
import type { RecoveryChoice } from '../../../src/protocol/mq/recover.ts'

const id = (broker: number) => broker as BrokerId

function choice(broker: number, changed: Partial<RecoveryChoice> = {}): RecoveryChoice {
  return {
    broker: id(broker),
    condition: 'whole',
    isInSync: true,
    isEligible: false,
    mayLead: true,
    lastEpoch: 5,
    end: 100,
    highWatermark: 90,
    losesAtMost: 0,
    detail: '',
    ...changed,
  }
}

const gone = { mayLead: false, end: undefined, highWatermark: undefined, losesAtMost: undefined }
const place = { topic: 'goals', partition: 0 }
const state = { version: 12, leader: noBroker, leaderEpoch: 7 }

t.test('each replica has a row, and each eligible replica a command', async (t) => {
  const choices = [
    choice(1, { condition: 'tail-cut', losesAtMost: undefined }),
    choice(2, { ...gone, condition: 'away' }),
    choice(13, { ...gone, condition: 'damaged', isInSync: false, detail: 'damaged at byte 300' }),
  ]
  t.same(recoveryLines(place, { ...state, choices }), [
    'goals/0 has no leader: epoch 7, version 12.',
    '  broker  log       in sync  ends at  epoch  committed  loses at most',
    '       1  tail-cut  yes          100      5         90  unknown',
    '       2  away      yes            -      -          -',
    '      13  damaged   no             -      -          -',
    '  broker 13: damaged at byte 300',
    '  Any choice may lose records. If broker 2 returns, possibly nothing is lost.',
    '  To have broker 1 lead: zw topics recover goals --partition 0 --leader 1 --state-version 12 --apply',
  ])
})

t.test('a choice that loses nothing is pointed out', async (t) => {
  const choices = [choice(1), choice(2, { losesAtMost: 4, isInSync: false, isEligible: true })]
  const lines = recoveryLines(place, { ...state, leader: id(3), choices })
  t.match(lines[0], 'is led by broker 3')
  t.match(lines[2], /nothing$/)
  t.match(lines[3], /eligible .* 4$/)
  t.match(lines[4], 'Choosing broker 1 loses nothing.')
})
