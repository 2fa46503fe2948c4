// Loaded into a server under measurement (node --import=…): on SIGUSR2 it writes how long its event loop
// was held at most since the last time. Plain JavaScript, since the server runs without a loader.

import { monitorEventLoopDelay } from 'node:perf_hooks'

/** ms between two samples, which are part of each of them */
const resolution = 1

const delay = monitorEventLoopDelay({ resolution })
delay.enable()
process.on('SIGUSR2', () => {
  process.stdout.write(`loop held ${Math.max(0, delay.max / 1e6 - resolution)} ms\n`)
  delay.reset()
})
