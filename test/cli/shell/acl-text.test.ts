import t from 'tap'
import { formatPerms, parseAcl } from '../../../src/cli/shell/acl-text.ts'

t.test('every combination of permissions survives printing and parsing', async (t) => {
  for (let bits = 0; bits < 32; bits++) {
    t.same(parseAcl(`world:anyone:${formatPerms(bits)}`), [
      { perms: bits, scheme: 'world', id: 'anyone' },
    ])
  }
  t.equal(formatPerms(31), 'cdrwa')
})
