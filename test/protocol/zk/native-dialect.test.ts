import { NativeDialect } from '../../../src/protocol/zk/native-dialect.ts'
import { testDialect } from '../../suites/dialect.ts'

testDialect('native', new NativeDialect(), {
  request: (request) =>
    // What is no list is an empty one here: the same error awaits both.
    (request.type === 'create' || request.type === 'setACL') && request.acl === null
      ? { ...request, acl: [] }
      : request,
})
