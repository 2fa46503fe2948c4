// Keeps a core busy until its parent process exits.

const burstMs = 20

function burn(): void {
  const endMs = performance.now() + burstMs
  while (performance.now() < endMs);
  setImmediate(burn)
}

process.on('disconnect', () => process.exit(0))
burn()
