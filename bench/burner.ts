// Keeps a core busy for as long as the process that forked it lives.

const burstMs = 20

function burn(): void {
  const endMs = performance.now() + burstMs
  while (performance.now() < endMs);
  setImmediate(burn)
}

process.on('disconnect', () => process.exit(0))
burn()
