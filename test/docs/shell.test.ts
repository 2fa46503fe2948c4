// docs/shell.md lists the commands of the shell: each row is made of the command here again.

import { readFileSync } from 'node:fs'
import t from 'tap'
import { usageOf } from '../../src/cli/shell/commands/shell-command.ts'
import { Shell } from '../../src/cli/shell/shell.ts'

const text = readFileSync(new URL('../../docs/shell.md', import.meta.url), 'utf8')
const ignore = () => undefined
const { commands } = new Shell({
  servers: '127.0.0.1:2181',
  sessionTimeoutMs: 10_000,
  connectTimeoutMs: 10_000,
  dialect: 'native',
  readOnly: false,
  tellsStates: false,
  out: ignore,
  tell: ignore,
  err: ignore,
})

for (const command of commands) {
  t.test(`${command.name} is in the manual as it is in help`, async (t) => {
    const cell = (words: string) => words.replaceAll('|', '\\|')
    t.ok(text.includes(`\n| \`${cell(usageOf(command))}\` | ${cell(command.about)} |\n`))
    for (const alias of command.aliases ?? []) t.ok(text.includes(`\`${alias}\``))
  })
}

t.test('and no other command', async (t) => {
  const [, listed = ''] = /^## Commands$(.*?)^## /ms.exec(text) ?? []
  t.equal(listed.match(/^\| `/gm)?.length, commands.length)
})
