import t from 'tap'
import { hasSecret, withoutSecrets } from '../../../src/cli/shell/secrets.ts'

const lines = [
  { line: 'addauth digest bob:s', shown: 'addauth digest bob:******' },
  { line: 'addauth digest "bob:s t"', shown: 'addauth digest bob:******' },
  { line: 'addauth  digest  bob:s:t', shown: 'addauth  digest bob:******' },
  { line: 'addauth digest bobs', shown: 'addauth digest ******' },
  { line: 'addauth sasl bob:s', shown: 'addauth sasl ******' },
  { line: 'addauth -- digest bob:s', shown: 'addauth -- ******' },
  { line: 'addauth bob:s', shown: 'addauth ******' },
  { line: '\taddAuth digest bob:s', shown: '\taddAuth digest bob:******' },
  { line: 'adauth digest bob:s', shown: 'adauth digest bob:******' },
  { line: '"addauth" digest bob:s', shown: '"addauth" digest bob:******' },
  { line: 'addauth ip', shown: 'addauth ip' },
  { line: 'addauth', shown: 'addauth' },
  { line: 'set /addauth digest:x', shown: 'set /addauth digest:x' },
  { line: '', shown: '' },
]
for (const { line, shown } of lines) {
  t.test(`'${line}' is shown as '${shown}'`, async (t) => {
    t.equal(withoutSecrets(line), shown)
    t.equal(hasSecret(line), line !== shown)
  })
}
