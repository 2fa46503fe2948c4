import t from 'tap'
import { peersOf, reachableIn } from '../../../src/daemon/ensemble/reachable.ts'
import type { ServerId } from '../../../src/protocol/records.ts'

const id = (number: number) => number as ServerId
const address = (port: number) => [{ host: 'h', port }]
const server = (number: number, port: number, observes = false) => ({
  id: id(number),
  addresses: address(port),
  observes,
})

t.test('a server talks to all others, an observer to the voters', async (t) => {
  const servers = new Map([1, 2, 3, 4].map((number) => [id(number), address(number)]))
  const observers = new Set([id(3), id(4)])
  t.same([...peersOf(id(1), servers, observers).keys()], [2, 3, 4])
  t.same([...peersOf(id(4), servers, observers).keys()], [1, 2])
})

t.test('all servers of all configurations are reached, by the address of the last', async (t) => {
  const { members, addresses } = reachableIn(id(1), [
    [server(1, 10), server(2, 21), server(4, 40, true)],
    [server(1, 10), server(2, 20), server(3, 30)],
  ])
  t.same(
    [...addresses].sort(([a], [b]) => a - b),
    [
      [2, address(21)],
      [3, address(30)],
      [4, address(40)],
    ],
  )
  const ownFiles = new Map([[id(2), address(22)]])
  const own = reachableIn(id(1), [[server(1, 10), server(2, 21)]], { ownFiles })
  t.same([...own.addresses], [[2, address(22)]], "an address of this server's files counts more")
  t.same(members, [
    { id: 1, address: 'h:10', observes: false },
    { id: 2, address: 'h:21', observes: false },
    { id: 4, address: 'h:40', observes: true },
  ])
})
