// A screen whose program throws. consume-screen.test.ts runs it in a terminal of its own.

import { drawFrame } from '../../src/cli/consumer/consumer-frame.ts'
import { ConsumerView } from '../../src/cli/consumer/consumer-view.ts'
import { FrameCache } from '../../src/cli/consumer/frame-cache.ts'
import { TerminalScreen } from '../../src/cli/consumer/terminal-screen.ts'

const view = new ConsumerView({ topic: 'goals' })
const cache = new FrameCache()

new TerminalScreen({
  title: 'goals',
  look: { colours: true, unicode: true },
  draw: (size) => drawFrame(view, size, performance.now(), cache),
  onKey: (key) => {
    if (key === 'space') throw new Error('an exception in a callback')
    if (key === 'q') void Promise.reject(new Error('an unhandled rejection'))
  },
  onMouse: () => undefined,
})
