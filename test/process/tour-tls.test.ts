import t from 'tap'
import { walkTheTour } from './tour.ts'

t.test('the tour of README.md with TLS on every port', async (t) => {
  await walkTheTour(t, { isSecured: true })
})
