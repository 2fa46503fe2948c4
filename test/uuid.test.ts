import t from 'tap'
import { formatUuid, uuidOf } from '../src/uuid.ts'

t.test('a UUID says its version and variant, and keeps all other bits', async (t) => {
  const cases = [
    { fill: 0x00, want: '00000000-0000-4000-8000-000000000000' },
    { fill: 0xff, want: 'ffffffff-ffff-4fff-bfff-ffffffffffff' },
    { fill: 0xa5, want: 'a5a5a5a5-a5a5-45a5-a5a5-a5a5a5a5a5a5' },
  ]
  for (const { fill, want } of cases) {
    const random = Buffer.alloc(16, fill)
    t.equal(formatUuid(uuidOf(random)), want)
    t.same(random, Buffer.alloc(16, fill), 'what was given is not changed')
  }
})
