import t from 'tap'
import { DigestCheck, isDigestDue } from '../../../src/daemon/request-processor/digest-check.ts'
import { makeZxid, type Zxid } from '../../../src/protocol/zxid.ts'

const at = (counter: number): Zxid => makeZxid({ epoch: 2, counter })
const good = { high: 1, low: 2 }
const bad = { high: 1, low: 3 }

t.test('one comparison in 128 transactions of each epoch', async (t) => {
  t.equal(isDigestDue(at(128)), true)
  t.equal(isDigestDue(at(129)), false)
  t.equal(isDigestDue(at(1)), false)
})

const orders: readonly { name: string; run: (check: DigestCheck, theirs: typeof good) => void }[] =
  [
    {
      name: 'the leader is ahead of us',
      run: (check, theirs) => {
        check.heard(at(256), theirs)
        check.applied(at(128), bad)
        check.applied(at(256), good)
      },
    },
    {
      name: 'we are ahead of its word',
      run: (check, theirs) => {
        check.applied(at(256), good)
        check.applied(at(384), bad)
        check.heard(at(256), theirs)
      },
    },
  ]
for (const { name, run } of orders) {
  t.test(`a difference is found when ${name}`, async (t) => {
    t.doesNotThrow(() => run(new DigestCheck(), good))
    t.throws(() => run(new DigestCheck(), bad), {
      name: 'DivergedError',
      message: /0x200000100.*0000000100000002.*0000000100000003/,
    })
  })
}

t.test('a word that comes far too late is not compared', async (t) => {
  const check = new DigestCheck()
  for (let i = 1; i <= 1000; i++) check.applied(at(128 * i), good)
  t.doesNotThrow(() => check.heard(at(128), bad))
})
