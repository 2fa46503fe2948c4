// The output of `zw COMMAND --help`: one process per command.

import { execFileSync } from 'node:child_process'
import t from 'tap'
import { program } from '../programs.ts'

const commands = [
  'start',
  'up',
  'status',
  'ensemble',
  'produce',
  'consume',
  'topics',
  'shell',
  'secret',
  'log',
  'bench',
]

function help(...words: readonly string[]): string {
  const args = [program('cli'), ...words]
  const env = { ...process.env, LANG: 'de_DE.UTF-8', LC_ALL: 'de_DE.UTF-8' }
  return execFileSync(process.execPath, args, { encoding: 'utf8', env })
}

for (const command of commands) {
  t.test(`zw ${command} --help names each flag once, and no yargs type`, async (t) => {
    const text = help(command, '--help')
    const flags = text.split('\n').flatMap((line) => /^ +(-.*?)(?: {2}|$)/.exec(line)?.[1] ?? [])
    t.ok(flags.length >= 3)
    const spellings = flags.flatMap((names) => names.split(', '))
    t.same(
      spellings.filter((spelling, i) => spellings.indexOf(spelling) !== i),
      [],
      'each spelling is unique',
    )
    t.notMatch(text, '[number]')
    t.match(text, /^ +-h, --help +Show help/m, 'the text is English in every locale')
    t.same(help('-h', command), text)
  })
}

t.test('zw --help lists every command', async (t) => {
  const text = help('--help')
  for (const command of commands) t.match(text, new RegExp(`^ +zw ${command}\\b`, 'm'))
})
