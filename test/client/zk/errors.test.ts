import t from 'tap'
import { errorFor, reasonOf, ZkMultiError } from '../../../src/client/zk/errors.ts'
import { type ErrorCode, errorCodes } from '../../../src/protocol/error-codes.ts'

const sentences = [
  { error: errorFor('NOAUTH', 'exists', '/a'), says: 'exists /a: permission is missing (NOAUTH)' },
  {
    error: errorFor('NONODE', 'getData', '/a'),
    says: 'getData /a: the znode does not exist (NONODE)',
  },
  {
    error: errorFor('AUTHFAILED', 'auth'),
    says: 'addAuth: the server does not accept the credentials (AUTHFAILED)',
  },
  {
    error: errorFor('BADARGUMENTS', 'create', '', 'a path cannot be empty'),
    says: "create '': a path cannot be empty (BADARGUMENTS)",
  },
  {
    error: new ZkMultiError({ code: 'BADVERSION', index: 1, path: '/a' }, [
      { type: 'check' },
      { type: 'error', code: errorCodes.BADVERSION },
    ]),
    says: 'multi: part 2 of 2, on /a: the znode has another version (BADVERSION)',
  },
]
for (const { error, says } of sentences) {
  t.test(says, async (t) => {
    t.equal(error.message, says)
  })
}

t.test('every code has a reason in words', async (t) => {
  for (const code of Object.keys(errorCodes) as ErrorCode[]) {
    t.match(reasonOf(code), /^[a-z][\w ,']+[a-zA-Z]$/, code)
    t.not(reasonOf(code), code)
  }
})
