// npm run sim: simulated lives, each from one seed. There are three worlds: `servers`, whole servers on
// disks, networks and clocks that fail, with clients that check them; `mq`, whole brokers on top of
// them, with producers and consumers; and `zab`, the protocol alone, which is far quicker and meets
// far stranger schedules.
//
//   npm run sim -- --seed 7                    replays one, with a trace of every message and disk operation
//   npm run sim -- --seed 7 --world zab
//   npm run sim -- --seed 7 --world mq --fault pauses=0 --fault powerCuts=3    with other faults (mq/faults.ts)
//   npm run sim -- --minutes 10                explores new seeds, and says what they covered
//   npm run sim -- --operations 1000000 --seeds 2000    the same, until so much was simulated
//   npm run sim -- --mutants                   breaks our own rules one at a time: each must be caught
//   npm run sim -- --mutants --mutant ack      only those whose names have `ack` in them

import yargs from 'yargs'
import { Exploration } from './exploration.ts'
import { drawFaults, formatFaults, parseFaults } from './mq/faults.ts'
import { liveMq } from './mq/life.ts'
import { lostDiskMutants, mqMutants } from './mq/mutants.ts'
import { type Mutant, zabMutants } from './mutants.ts'
import { type Simulation, tryMutant } from './mutate.ts'
import { serverMutants } from './server-mutants.ts'
import { liveServers } from './servers/life.ts'
import { liveZab } from './zab/life.ts'

const options = await yargs(process.argv.slice(2))
  .scriptName('npm run sim --')
  .options({
    seed: { type: 'number', describe: 'replay this one with a trace' },
    world: {
      choices: ['servers', 'mq', 'zab'] as const,
      describe: 'only this world; servers for --seed',
    },
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
      describe: 'NAME=WEIGHT of a fault of mq, 0 for never; may be given again',
    },
    mutants: { type: 'boolean', default: false, describe: 'try whether broken rules are caught' },
    mutant: { type: 'string', default: '', describe: 'of these, those with this in their names' },
  })
  .strict()
  .parse()

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

if (options.mutants) process.exitCode = (await huntMutants()) ? 0 : 1
else if (options.seed !== undefined) await replay(options.seed)
else
  process.exitCode = (await new Exploration(
    { ...options, faults: parseFaults(options.fault) },
    say,
  ).run())
    ? 0
    : 1

async function replay(seed: number): Promise<void> {
  try {
    if (options.world === 'zab') liveZab(seed, { trace: say })
    else if (options.world === 'mq') await replayMq(seed)
    else await liveServers(seed, { trace: say })
    say(`seed ${seed}: all well`)
  } catch (error) {
    say(`seed ${seed} fails: ${(error as Error).stack}`)
    process.exitCode = 1
  }
}

async function replayMq(seed: number): Promise<void> {
  const faults = parseFaults(options.fault)
  say(`faults: ${formatFaults(drawFaults(seed, faults))}`)
  await liveMq(seed, { trace: say, faults })
}

async function huntMutants(): Promise<boolean> {
  const worlds: readonly { name: string; mutants: readonly Mutant[]; simulation: Simulation }[] = [
    { name: 'zab', mutants: zabMutants, simulation: { file: 'zab/life.ts', live: 'liveZab' } },
    {
      name: 'servers',
      mutants: serverMutants,
      simulation: { file: 'servers/life.ts', live: 'liveServers' },
    },
    { name: 'mq', mutants: mqMutants, simulation: { file: 'mq/life.ts', live: 'liveMq' } },
    {
      name: 'mq',
      mutants: lostDiskMutants,
      simulation: { file: 'mq/lost-disks.ts', live: 'liveLostDisks' },
    },
  ]
  let tried = 0
  let caught = 0
  say('  world     seed  of at most  rule broken: what gave it away')
  for (const { name: world, mutants, simulation } of worlds) {
    if (options.world !== undefined && options.world !== world) continue
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
