// A screen whose program throws. consume-screen.test.ts runs it in a terminal of its own.

import { ConsumerScreen } from '../../src/cli/consumer/consumer-screen.ts'
import { ConsumerView } from '../../src/cli/consumer/consumer-view.ts'

new ConsumerScreen({
  view: new ConsumerView({ topic: 'goals' }),
  look: { colours: true, unicode: true },
  nowMs: () => performance.now(),
  onAction: (action) => {
    if (action.type === 'paused') throw new Error('an exception in a callback')
    void Promise.reject(new Error('an unhandled rejection'))
  },
})
