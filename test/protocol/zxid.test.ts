import t from 'tap'
import {
  counterOf,
  epochMax,
  epochOf,
  follows,
  formatZxid,
  isZxid,
  makeZxid,
  nextZxid,
  readZxid,
  writeZxid,
  type Zxid,
  zxidZero,
} from '../../src/protocol/zxid.ts'

const z = (epoch: number, counter: number): Zxid => makeZxid({ epoch, counter })

t.test('a zxid keeps its epoch and counter, also through 8 bytes', async (t) => {
  for (const [epoch, counter] of [
    [0, 0],
    [1, 1],
    [7, 2 ** 32 - 1],
    [epochMax, 2 ** 32 - 1],
  ] as const) {
    const zxid = z(epoch, counter)
    t.ok(Number.isSafeInteger(zxid))
    t.equal(epochOf(zxid), epoch)
    t.equal(counterOf(zxid), counter)
    const bytes = Buffer.alloc(10)
    writeZxid(bytes, zxid, 1)
    t.equal(readZxid(bytes, 1), zxid)
  }
  t.equal(formatZxid(z(1, 0xf65)), '0x100000f65')
})

t.test('zxids out of range are refused', async (t) => {
  t.throws(() => z(epochMax + 1, 1))
  t.throws(() => z(1, 2 ** 32))
  t.throws(() => nextZxid(z(1, 2 ** 32 - 1)), 'the counter never runs into the epoch')
  for (const value of [-1, 1.5, 2 ** 53, Number.NaN, '1', undefined]) t.notOk(isZxid(value))
  t.ok(isZxid(2 ** 53 - 1))
})

t.test('follows allows the next counter, or the first of a later epoch', async (t) => {
  t.ok(follows(zxidZero, z(1, 1)))
  t.ok(follows(z(1, 1), z(1, 2)))
  t.ok(follows(z(1, 9), z(4, 1)))
  t.notOk(follows(z(1, 1), z(1, 1)))
  t.notOk(follows(z(1, 1), z(1, 3)))
  t.notOk(follows(z(1, 9), z(2, 2)))
  t.notOk(follows(z(1, 2 ** 32 - 1), z(2, 0)), 'no transaction has counter 0')
})
