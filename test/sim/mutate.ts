// Makes a mutant: a copy of the sources and the simulator with the mutant's edits, imported beside
// the real ones.

import { fork } from 'node:child_process'
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { invariant } from '../../src/invariant.ts'
import type { Hunt, Progress } from './mutant-hunt.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** The parts of other tests that the simulator uses. */
const borrowed = ['test/log/memory-directory.ts', 'test/broker/test-secret.ts']

/** One of our rules, and the edits that break it. Shipped code does not depend on mutants. */
export interface Mutant {
  readonly name: string
  /** the rule that is broken, and whose bug it was */
  readonly rule: string
  readonly edits: readonly Edit[]
  /** number of runs within which it must be caught */
  readonly seeds: number
}

/** A text that occurs exactly once: the mutant moves with the code. */
interface Edit {
  /** under src/ */
  readonly file: string
  readonly from: string
  readonly to: string
}

export interface Verdict {
  /** the seed that caught it; undefined if none did */
  readonly seed: number | undefined
  /** the error that caught it */
  readonly claim: string
}

/** A simulation that can catch a mutant: it throws when a promise is broken. */
export interface Simulation {
  /** below test/sim */
  readonly file: string
  /** its function that runs one seed */
  readonly live: string
}

/**
 * Runs seeds 1, 2 … on the mutant until one fails.
 *
 * @throws if an edit no longer fits the sources
 */
export async function tryMutant(
  mutant: Mutant,
  { file, live }: Simulation,
  seeds = mutant.seeds,
): Promise<Verdict> {
  const copy = mkdtempSync(join(tmpdir(), 'mutant-'))
  try {
    cpSync(join(root, 'src'), join(copy, 'src'), { recursive: true })
    cpSync(join(root, 'test/sim'), join(copy, 'test/sim'), { recursive: true })
    for (const file of borrowed) cpSync(join(root, file), join(copy, file))
    cpSync(join(root, 'package.json'), join(copy, 'package.json'))
    symlinkSync(realpathSync(join(root, 'node_modules')), join(copy, 'node_modules'))
    for (const [file, text] of mutated(mutant)) writeFileSync(join(copy, 'src', file), text)
    return await hunted({ file: join(copy, 'test/sim', file), live, seeds })
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

/** A life takes seconds, on a busy machine a minute: one that takes so long goes round in circles. */
const endlessMs = 600_000

function hunted(hunt: Hunt): Promise<Verdict> {
  const script = fileURLToPath(new URL('./mutant-hunt.ts', import.meta.url))
  const child = fork(script, [JSON.stringify(hunt)])
  let timer: NodeJS.Timeout | undefined
  return new Promise<Verdict>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => reject(new Error(`The hunt of a mutant ended with code ${code}`)))
    child.on('message', (progress: Progress) => {
      clearTimeout(timer)
      switch (progress.type) {
        case 'begins': {
          const { seed } = progress
          const claim = 'the life never ends'
          timer = setTimeout(() => resolve({ seed, claim }), endlessMs)
          return
        }
        case 'fails':
          resolve(progress)
          return
        case 'missed':
          resolve({ seed: undefined, claim: '' })
          return
      }
    })
  }).finally(() => {
    clearTimeout(timer)
    child.kill('SIGKILL')
  })
}

/**
 * The files under src/ that a mutant changes, in its version.
 *
 * @throws if an edit no longer fits the sources
 */
export function mutated({ name, edits }: Mutant): ReadonlyMap<string, string> {
  const texts = new Map<string, string>()
  for (const { file, from, to } of edits) {
    const parts = (texts.get(file) ?? readFileSync(join(root, 'src', file), 'utf8')).split(from)
    const found = `'${from}' occurs ${parts.length - 1} times`
    invariant(parts.length === 2, `the mutant '${name}' fits ${file}, where ${found}`)
    texts.set(file, parts.join(to))
  }
  return texts
}
