// Lives the seeds of one mutant in a process of its own: a mutant may loop for ever, and only another
// process can end that. It says which seed it begins, and which one fails.

import { invariant } from '../../src/invariant.ts'

export interface Hunt {
  /** the mutant's copy of the simulation */
  readonly file: string
  /** the function in it that lives one seed */
  readonly live: string
  readonly seeds: number
}

export type Progress =
  | { readonly type: 'begins'; readonly seed: number }
  | { readonly type: 'fails'; readonly seed: number; readonly claim: string }
  | { readonly type: 'missed' }

const [text = ''] = process.argv.slice(2)
const { file, live, seeds } = JSON.parse(text) as Hunt

const tell = (progress: Progress): void => {
  process.send?.(progress)
}

const simulation = (await import(file)) as Record<string, unknown>
const run = simulation[live]
invariant(typeof run === 'function', `${file} exports ${live}`)

async function hunt(run: (seed: number) => unknown): Promise<Progress> {
  for (let seed = 1; seed <= seeds; seed++) {
    tell({ type: 'begins', seed })
    try {
      await run(seed)
    } catch (error) {
      return { type: 'fails', seed, claim: (error as Error).message }
    }
  }
  return { type: 'missed' }
}

tell(await hunt(run as (seed: number) => unknown))
