import t from 'tap'
import { AclTable, knownOpenAcl } from '../../../src/daemon/ztree/acl-table.ts'
import { type Acl, openAcl } from '../../../src/protocol/records.ts'

const list = (id: string): readonly Acl[] => [{ perms: 31, scheme: 'digest', id }]

t.test('a list is stored once, until no znode has it', async (t) => {
  const table = new AclTable()
  const first = table.share(list('a'))
  t.equal(table.share(list('a')), first)
  const other = table.share(list('b'))
  t.not(other, first)
  t.equal(table.share(list('a')), first)
  t.equal(table.size, 2)
  for (let i = 0; i < 3; i++) table.release(first)
  t.equal(table.size, 1)
  const again = table.share(first.list)
  t.not(again, first, 'a removed list is added again')
  t.equal(table.share(list('a')), again)
  t.same(again.digest, first.digest, 'by the list alone')
  t.notSame(other.digest, first.digest)
})

t.test('an open list is not even counted', async (t) => {
  const table = new AclTable()
  t.equal(table.share(openAcl), knownOpenAcl)
  table.release(knownOpenAcl)
  t.same([table.size, knownOpenAcl.users], [0, 0])
})
