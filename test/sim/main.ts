// npm run sim: simulated lives of Zab ensembles, each from one seed.
//
//   npm run sim -- --seed 7        replays one, with a trace of every message and disk operation
//   npm run sim -- --minutes 10    explores new seeds, and says what they covered
//   npm run sim -- --mutants       breaks our own rules one at a time: each must be caught
//   npm run sim -- --mutants --mutant ack      only those whose names have `ack` in them

import yargs from 'yargs'
import { zabMutants } from './mutants.ts'
import { tryMutant } from './mutate.ts'
import { liveZab } from './zab-life.ts'

const options = await yargs(process.argv.slice(2))
  .scriptName('npm run sim --')
  .options({
    seed: { type: 'number', describe: 'replay this one with a trace' },
    minutes: { type: 'number', default: 1, describe: 'explore for so long' },
    mutants: { type: 'boolean', default: false, describe: 'try whether broken rules are caught' },
    mutant: { type: 'string', default: '', describe: 'of these, those with this in their names' },
  })
  .strict()
  .parse()

const say = (line: string): boolean => process.stdout.write(`${line}\n`)

if (options.mutants) process.exitCode = (await huntMutants()) ? 0 : 1
else if (options.seed !== undefined) liveZab(options.seed, say)
else explore(options.minutes)

async function huntMutants(): Promise<boolean> {
  let missed = 0
  const mutants = zabMutants.filter(({ name }) => name.includes(options.mutant))
  say('    seed  of at most  rule broken: what gave it away')
  for (const mutant of mutants) {
    const { seed, claim } = await tryMutant(mutant, { file: 'zab-life.ts', live: 'liveZab' })
    if (seed === undefined) missed++
    const caught = seed === undefined ? 'MISSED' : String(seed)
    say(`${caught.padStart(8)}  ${String(mutant.seeds).padStart(10)}  ${mutant.name}: ${claim}`)
  }
  say(`${mutants.length - missed} of ${mutants.length} caught`)
  return missed === 0
}

function explore(minutes: number): void {
  const first = Math.floor(Math.random() * 2 ** 31)
  const startMs = performance.now()
  const covered = new Map<string, number>()
  let seed = first
  for (; performance.now() - startMs < minutes * 60_000; seed++) {
    try {
      for (const [what, count] of liveZab(seed).coverage) {
        covered.set(what, (covered.get(what) ?? 0) + count)
      }
    } catch (error) {
      say(`seed ${seed} fails: ${error}\nreplay it with: npm run sim -- --seed ${seed}`)
      process.exitCode = 1
      return
    }
  }
  const perSecond = ((seed - first) * 1000) / (performance.now() - startMs)
  say(`seeds ${first} to ${seed - 1}: all well, ${perSecond.toFixed(0)} a second`)
  for (const [what, count] of [...covered].sort()) say(`${String(count).padStart(10)}  ${what}`)
}
