import t from 'tap'
import { type AssignorName, assignorNames } from '../../../src/client/mq/group/assignor-names.ts'
import { type AssignedMember, assign } from '../../../src/client/mq/group/assignors.ts'
import { Random } from '../../../src/random.ts'

interface More {
  topics?: readonly string[]
  owned?: readonly string[]
  generation?: number
  instanceId?: string
}

const placeOf = (name: string) => {
  const [topic = '', partition] = name.split('/')
  return { topic, partition: Number(partition) }
}

function member(memberId: string, more: More = {}): AssignedMember {
  const { topics = ['a'], owned = [], generation = 1, instanceId } = more
  return { memberId, instanceId, topics, owned: owned.map(placeOf), generation }
}

function divide(
  name: AssignorName,
  members: readonly AssignedMember[],
  counts: Readonly<Record<string, number>>,
): Record<string, string[]> {
  const found = assign(name, members, new Map(Object.entries(counts)))
  return Object.fromEntries(
    [...found].map(([id, places]) => [
      id,
      places.map(({ topic, partition }) => `${topic}/${partition}`).sort(),
    ]),
  )
}

const both = { topics: ['a', 'b'] }

t.test('range gives each member a range of each topic', async (t) => {
  t.same(divide('range', [member('y', both), member('x', both)], { a: 3, b: 2 }), {
    x: ['a/0', 'a/1', 'b/0'],
    y: ['a/2', 'b/1'],
  })
})

t.test('round robin takes turns over all topics', async (t) => {
  t.same(divide('roundrobin', [member('x', both), member('y', both)], { a: 3, b: 2 }), {
    x: ['a/0', 'a/2', 'b/1'],
    y: ['a/1', 'b/0'],
  })
})

t.test('static members come first, and stay in their places', async (t) => {
  const members = [member('a1'), member('z9', { instanceId: 'first' })]
  t.same(divide('range', members, { a: 1 }), { z9: ['a/0'], a1: [] })
})

t.test('sticky moves no more than a new member needs', async (t) => {
  const owners = [
    member('x', { owned: ['a/0', 'a/1', 'a/2'] }),
    member('y', { owned: ['a/3', 'a/4', 'a/5'] }),
    member('z'),
  ]
  t.same(divide('sticky', owners, { a: 6 }), {
    x: ['a/0', 'a/1'],
    y: ['a/3', 'a/4'],
    z: ['a/2', 'a/5'],
  })
})

t.test('what moves is assigned only when its owner has given it up', async (t) => {
  const owners = [member('x', { owned: ['a/0', 'a/1'] }), member('y')]
  t.same(divide('cooperative-sticky', owners, { a: 2 }), { x: ['a/0'], y: [] })
  const after = [member('x', { owned: ['a/0'] }), member('y')]
  t.same(divide('cooperative-sticky', after, { a: 2 }), { x: ['a/0'], y: ['a/1'] })
})

t.test('of two that claim a partition the later generation has it', async (t) => {
  const claims = [
    member('x', { owned: ['a/0'], generation: 3 }),
    member('y', { owned: ['a/0', 'a/1'], generation: 4 }),
  ]
  t.same(divide('sticky', claims, { a: 2 }), { x: ['a/1'], y: ['a/0'] })
  const next = divide('cooperative-sticky', claims, { a: 2 })
  t.same(next, { x: [], y: [] }, 'x and y may still use them')
})

for (const name of assignorNames) {
  t.test(`${name}: each partition has one owner, who asked for it`, async (t) => {
    const problems: string[] = []
    for (let seed = 1; seed <= 300; seed++) {
      const random = new Random(seed)
      const counts = { a: random.below(6), b: random.below(6), c: random.below(6) }
      const members = Array.from({ length: 1 + random.below(5) }, (_, i) => {
        const topics = ['a', 'b', 'c'].filter(() => random.chance(0.7))
        const owned = ['a/0', 'a/1', 'b/0', 'c/2'].filter(() => random.chance(0.3))
        return member(`m${i}`, { topics, owned, generation: random.below(3) })
      })
      const found = divide(name, members, counts)
      const given = Object.values(found).flat()
      if (new Set(given).size !== given.length)
        problems.push(`seed ${seed}: one partition, two owners`)
      for (const { memberId, topics } of members) {
        if (found[memberId]?.every((place) => topics.includes(place[0] ?? '')) !== true) {
          problems.push(`seed ${seed}: ${memberId} did not ask for that`)
        }
      }
      const wanted = Object.entries(counts).reduce((sum, [topic, count]) => {
        return members.some(({ topics }) => topics.includes(topic)) ? sum + count : sum
      }, 0)
      if (name !== 'cooperative-sticky' && given.length !== wanted) {
        problems.push(`seed ${seed}: ${given.length} of ${wanted} are assigned`)
      }
    }
    t.same(problems, [])
  })
}
