import t from 'tap'
import { Confirmations } from '../../../src/daemon/ensemble/confirmations.ts'

t.test('a token confirms every question up to it, in order', async (t) => {
  const confirmations = new Confirmations()
  const confirmed: string[] = []
  confirmations.add(() => confirmed.push('a'))
  const token = confirmations.add(() => confirmed.push('b'))
  confirmations.add(() => confirmed.push('c'))
  confirmations.confirmed(token)
  t.same(confirmed, ['a', 'b'])
  t.equal(confirmations.count, 1)
})

t.test('a token of an earlier leadership confirms nothing of a later one', async (t) => {
  const confirmations = new Confirmations()
  let isConfirmed = false
  const earlier = confirmations.add(() => t.fail('the leadership it asked about is over'))
  confirmations.clear()
  confirmations.add(() => {
    isConfirmed = true
  })
  confirmations.confirmed(earlier)
  t.notOk(isConfirmed)
})
