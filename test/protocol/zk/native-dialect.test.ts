import { NativeDialect } from '../../../src/protocol/zk/native-dialect.ts'
import { testDialect } from '../../suites/dialect.ts'

testDialect('native', new NativeDialect(), {
  request: (request) =>
    // A null list is an empty one here: both cause the same error.
    (request.type === 'create' || request.type === 'setACL') && request.acl === null
      ? { ...request, acl: [] }
      : request,
})
