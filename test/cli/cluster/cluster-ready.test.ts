import t from 'tap'
import { endOf } from '../../../src/cli/cluster/cluster-ready.ts'

t.test('the exit of a member is described by code or signal', async (t) => {
  t.equal(endOf({ code: 2, signal: null, wanted: false }), 'ended with code 2')
  t.equal(endOf({ code: null, signal: 'SIGKILL', wanted: false }), 'was ended by SIGKILL')
})
