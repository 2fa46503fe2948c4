// Conversations: a script for an ensemble of Zab cores and the exchange it produced, kept together in
// test/golden/*.txt. Lines that begin with `> ` are the script, the others what happened.
//
//   > ensemble 3          three servers, stopped; `3 bootstrap`: two of them may begin;
//                         `4 observer=4`: the fourth does not vote
//   > start 1 2 3         start these
//   > run 50              let this many milliseconds pass
//   > propose a b         one batch of transactions at the leader
//   > purge 1             let the log begin behind what was delivered
//   > handover            the leader begins its next epoch
//   > transfer 2          the leader hands over to this server; none: to whichever it chooses
//   > wipe 3              crash, and lose the disk
//   > crash 3 · cut 1 2 · heal 1 2 · drop 1 2
//
// `UPDATE_GOLDEN=1 npx tap test/daemon/zab/conversation.test.ts` writes them anew: read the diff, and
// commit it only if you can say why each line moved.

import { invariant } from '../src/invariant.ts'
import { Random } from '../src/random.ts'
import { ZabWorld } from './sim/zab/world.ts'

/** Runs the script lines of `text`; returns them with what happened after each. */
export function converse(text: string): string {
  const out: string[] = []
  let world: ZabWorld | undefined
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) out.push(line)
    if (!line.startsWith('> ')) continue
    out.push(line)
    const [command, ...words] = line.slice(2).split(' ')
    const numbers = words.map(Number)
    if (command === 'ensemble') {
      const trace = (event: string): unknown => out.push(`  ${event}`)
      const servers = numbers[0] ?? 3
      const bootstrap = words.includes('bootstrap')
      const times = { networkMs: [1, 1], diskMs: [1, 1] } as const
      const observers = words.flatMap((word) =>
        word.startsWith('observer=') ? [Number(word.slice('observer='.length))] : [],
      )
      const options = { servers, observers, ...times, bootstrap }
      world = new ZabWorld(new Random(1), options, { trace })
      continue
    }
    invariant(world !== undefined, 'a conversation begins with `> ensemble N`')
    run(world, command ?? '', words, numbers)
  }
  return `${out.join('\n')}\n`
}

function run(
  world: ZabWorld,
  command: string,
  words: readonly string[],
  numbers: readonly number[],
): void {
  const [a = 0, b = 0] = numbers
  switch (command) {
    case 'start':
      for (const id of numbers) world.start(id)
      return
    case 'crash':
      for (const id of numbers) world.crash(id)
      return
    case 'handover':
      return world.handover()
    case 'transfer':
      return world.transfer({ ...(a === 0 ? {} : { to: a }), leaves: false })
    case 'wipe':
      for (const id of numbers) world.wipe(id)
      return
    case 'purge':
      for (const id of numbers) world.purge(id, 'last')
      return
    case 'run':
      return world.run(a)
    case 'propose':
      invariant(world.propose(words), 'there is a leader to propose at')
      return
    case 'propose-at':
      invariant(world.propose(words.slice(1), a), 'the server named leads')
      return
    case 'cut':
      return world.network.cut(a, b)
    case 'heal':
      return world.network.heal(a, b)
    case 'drop':
      return world.network.drop(a, b)
  }
  invariant(false, `a script uses commands that exist, not ${command}`)
}
