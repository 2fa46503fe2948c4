import t from 'tap'
import { canDraw, hasColors } from '../src/terminal.ts'

const cases = [
  { name: 'a terminal', isTTY: true, env: { TERM: 'xterm' }, colors: true, draws: true },
  { name: 'no terminal', isTTY: false, env: { TERM: 'xterm' }, colors: false, draws: false },
  { name: 'NO_COLOR', isTTY: true, env: { NO_COLOR: '1' }, colors: false, draws: true },
  { name: 'an empty NO_COLOR', isTTY: true, env: { NO_COLOR: '' }, colors: true, draws: true },
  { name: 'TERM=dumb', isTTY: true, env: { TERM: 'dumb' }, colors: false, draws: false },
]
for (const { name, isTTY, env, colors, draws } of cases) {
  t.test(`${name}: colours ${colors}, drawing ${draws}`, async (t) => {
    t.equal(hasColors({ isTTY }, env), colors)
    t.equal(canDraw({ isTTY }, env), draws)
  })
}
