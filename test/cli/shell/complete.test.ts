import t from 'tap'
import { completionOf } from '../../../src/cli/shell/complete.ts'

const cases = [
  { line: '', want: { type: 'command', prefix: '' } },
  { line: ' cr', want: { type: 'command', prefix: 'cr' } },
  { line: 'ls ', want: { type: 'none' } },
  { line: 'ls /', want: { type: 'path', directory: '/', prefix: '/' } },
  { line: 'ls -s /go', want: { type: 'path', directory: '/', prefix: '/go' } },
  { line: 'get /goals/x', want: { type: 'path', directory: '/goals', prefix: '/goals/x' } },
  { line: 'get /goals/', want: { type: 'path', directory: '/goals', prefix: '/goals/' } },
  { line: 'set /a da', want: { type: 'none' } },
]
for (const { line, want } of cases) {
  t.test(`'${line}' is completed by ${JSON.stringify(want)}`, async (t) => {
    t.same(completionOf(line), want)
  })
}
