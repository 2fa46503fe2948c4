// A screen whose program fails: started by consume-screen.test.ts in a terminal of its own.

import { ConsumerScreen } from '../../src/cli/consumer-screen.ts'
import { ConsumerView } from '../../src/cli/consumer-view.ts'

new ConsumerScreen({
  view: new ConsumerView({ topic: 'goals' }),
  look: { colours: true, unicode: true },
  nowMs: () => performance.now(),
  onAction: (action) => {
    if (action.type === 'paused') throw new Error('a mistake in a callback')
    void Promise.reject(new Error('a mistake that nothing waits for'))
  },
})
