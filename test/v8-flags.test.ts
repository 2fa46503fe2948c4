import { spawnSync } from 'node:child_process'
import t from 'tap'
import { v8FlagsFor } from '../src/v8-flags.ts'

const heap = '--heap-growing-percent=300'
for (const { node, v8, want } of [
  { node: 20, v8: '11.3.244.8-node.38', want: [heap, '--interrupt-budget=30000'] },
  { node: 22, v8: '12.4.254.21-node.57', want: [heap] },
  { node: 24, v8: '13.6.233.17-node.53', want: [heap] },
]) {
  t.test(`Node.js ${node} gets the flags that its V8 has`, async (t) => {
    t.same(v8FlagsFor(v8), want)
  })
}

t.test('this version of V8 knows the flags that it gets', async (t) => {
  const flags = v8FlagsFor(process.versions.v8)
  const { status, stderr } = spawnSync(process.execPath, [...flags, '-e', ''], { encoding: 'utf8' })
  t.same({ status, stderr }, { status: 0, stderr: '' })
})
