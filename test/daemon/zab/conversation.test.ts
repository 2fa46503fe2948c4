import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { converse } from '../../conversation.ts'

const golden = new URL('../../golden/', import.meta.url)
const files = readdirSync(golden).filter((name) => name.startsWith('zab-'))

for (const name of files) {
  t.test(`the conversation in ${name} goes as written`, async (t) => {
    const file = new URL(name, golden)
    const written = readFileSync(file, 'utf8')
    const spoken = converse(written)
    if (process.env['UPDATE_GOLDEN'] !== undefined) writeFileSync(file, spoken)
    else t.equal(spoken, written)
  })
}

t.ok(files.length > 0, 'there are conversations')
