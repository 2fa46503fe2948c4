import t from 'tap'
import { asObject, isNatural, naturalOf, objectOf } from '../src/json.ts'

t.test('text that is not an object becomes an empty one', async (t) => {
  t.same(objectOf(Buffer.from('{"a":1}')), { a: 1 })
  for (const text of ['', 'null', '7', '"a"', '{"a"', 'x']) t.same(objectOf(Buffer.from(text)), {})
  t.same(objectOf(null), {})
  t.same(objectOf(undefined), {})
  t.same(asObject(7), {})
})

t.test('a natural number is whole, not negative, and exact', async (t) => {
  for (const value of [0, 1, Number.MAX_SAFE_INTEGER]) {
    t.ok(isNatural(value))
    t.equal(naturalOf(String(value)), value)
  }
  for (const value of [-1, 1.5, 2 ** 53, Number.NaN, Infinity]) {
    t.notOk(isNatural(value))
    t.equal(naturalOf(String(value)), undefined)
  }
  for (const value of ['1', null, undefined]) t.notOk(isNatural(value))
  for (const value of ['', ' 1', '1 ', '0x1', 1, null]) t.equal(naturalOf(value), undefined)
})
