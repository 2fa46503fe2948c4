// The programs as they are installed, for tests that start them: node runs dist/ after a quarter of
// the CPU time that the sources take through tsx.

import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = new URL('../', import.meta.url)

// A source may have changed since the last build. Nothing is built otherwise.
execFileSync(process.execPath, [fileURLToPath(new URL('scripts/setup.mjs', root)), 'program'], {
  stdio: ['ignore', 'ignore', 'inherit'],
})

export const dist = new URL('dist/', root)

/** The file that node is to run. */
export function program(name: 'broker' | 'cli' | 'daemon'): string {
  return fileURLToPath(new URL(`${name}/main.js`, dist))
}
