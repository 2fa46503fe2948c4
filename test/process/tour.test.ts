import t from 'tap'
import { walkTheTour } from './tour.ts'

t.test('the tour of README.md in plaintext', async (t) => {
  await walkTheTour(t, { isSecured: false })
})
