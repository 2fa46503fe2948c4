// npm run sim: simulated lives, each from one seed. worlds.ts lists the worlds; README.md explains
// how to shrink a failing life, and how to change a world.
//
//   npm run sim -- --seed 7                    replays one, and traces messages and disk operations
//   npm run sim -- --seed 7 --world zab
//   npm run sim -- --seed 7 --world mq --fault pauses=0    with other faults
//   npm run sim -- --minutes 10                explores new seeds, and reports their coverage
//   npm run sim -- --operations 1000000 --seeds 2000    until so much was simulated
//   npm run sim -- --mutants                   breaks our rules one at a time; each must be caught
//   npm run sim -- --mutants --mutant ack      only those whose names have `ack` in them

import yargs from 'yargs'
import { Exploration } from './exploration.ts'
import { FaultError } from './faults.ts'
import { tryMutant } from './mutate.ts'
import { worldNames, worlds } from './worlds.ts'

const options = await yargs(process.argv.slice(2))
  .scriptName('npm run sim --')
  .options({
    seed: { type: 'number', describe: 'replay this one with a trace' },
    world: { choices: worldNames, describe: 'only this world; servers for --seed' },
    minutes: { type: 'number', describe: 'explore for so long; 1 if nothing else is asked for' },
    operations: {
      type: 'number',
      describe: 'explore until clients asked for so much, in each world',
    },
    seeds: { type: 'number', describe: 'explore until so many lives are over, in each world' },
    from: { type: 'number', describe: 'the first seed to explore; random if not given' },
    fault: {
      type: 'string',
      array: true,
      default: [],
      describe: 'NAME=VALUE of a fault of the world, in place of what the seed says; once for each',
    },
    mutants: { type: 'boolean', default: false, describe: 'try whether broken rules are caught' },
    mutant: { type: 'string', default: '', describe: 'of these, those with this in their names' },
  })
  .epilogue(describeFaults())
  .wrap(null)
  .strict()
  .parse()

// A reader such as `head` may close the pipe.
process.stdout.on('error', () => process.exit())

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

try {
  process.exitCode = (await run()) ? 0 : 1
} catch (error) {
  if (!(error instanceof FaultError)) throw error
  say(error.message)
  process.exitCode = 2
}

async function run(): Promise<boolean> {
  if (options.mutants) return huntMutants()
  if (options.seed !== undefined) return replay(options.seed)
  return new Exploration(options, say).run()
}

async function replay(seed: number): Promise<boolean> {
  const { faultsOf, live } = worlds[options.world ?? 'servers'].withFaults(options.fault)
  say(`faults: ${faultsOf(seed)}`)
  try {
    await live(seed, say)
    say(`seed ${seed}: all well`)
    return true
  } catch (error) {
    say(`seed ${seed} fails: ${(error as Error).stack}`)
    return false
  }
}

async function huntMutants(): Promise<boolean> {
  const names = options.world === undefined ? (['zab', 'servers', 'mq'] as const) : [options.world]
  const hunts = names.flatMap((world) => worlds[world].hunts.map((hunt) => ({ world, ...hunt })))
  let tried = 0
  let caught = 0
  say('  world     seed  of at most  rule broken: what gave it away')
  for (const { world, mutants, simulation } of hunts) {
    for (const mutant of mutants.filter(({ name }) => name.includes(options.mutant))) {
      const { seed, claim } = await tryMutant(mutant, simulation)
      tried++
      if (seed !== undefined) caught++
      const [found, most] = [
        String(seed ?? 'MISSED').padStart(7),
        String(mutant.seeds).padStart(10),
      ]
      say(`${world.padStart(7)}  ${found}  ${most}  ${mutant.name}: ${claim}`)
    }
  }
  say(`${caught} of ${tried} caught`)
  return caught === tried
}

function describeFaults(): string {
  const lines = worldNames.flatMap((name) => [
    `Faults of ${name}, ${worlds[name].about}:`,
    ...worlds[name].faultLines.map((line) => `  ${line}`),
    '',
  ])
  return [
    'WEIGHT: how often among the others, 0 for never; all=WEIGHT gives every fault of a world one',
    '',
    ...lines,
  ].join('\n')
}
