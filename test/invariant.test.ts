import t from 'tap'
import { InvariantError, invariant } from '../src/invariant.ts'

t.test('invariant passes what holds and names the broken claim otherwise', async (t) => {
  invariant(true, 'zxids have no gaps')
  t.throws(() => invariant(false, 'zxids have no gaps'), InvariantError)
  t.throws(() => invariant(false, 'zxids have no gaps'), /zxids have no gaps/)
})
