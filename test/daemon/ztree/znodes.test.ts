import t from 'tap'
import { NameIndex } from '../../../src/daemon/ztree/name-index.ts'
import { StoredName } from '../../../src/daemon/ztree/stored-name.ts'
import { initialFields, type Znode } from '../../../src/daemon/ztree/znode.ts'
import { ZnodeTable } from '../../../src/daemon/ztree/znode-table.ts'
import { Znodes } from '../../../src/daemon/ztree/znodes.ts'
import { childPath, parentOf } from '../../../src/protocol/path.ts'
import { Random } from '../../../src/random.ts'

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
t.comment(`SEED=${seed}`)

/** Names whose forms in memory differ: in length by a word or none, in their characters. */
function nameOf(random: Random): string {
  const number = String(random.below(random.pick([3, 30, 3000])))
  const kinds = ['', 'n-', 'abc', 'é', 'ÿ-', 'Ā', '日本', 'é'.repeat(120), 'x'.repeat(300)]
  return random.pick(kinds) + number
}

/** What a znode's data is, of a length in or beyond its place. */
function dataOf(random: Random): Uint8Array | null {
  if (random.chance(0.1)) return null
  const length = random.below(random.pick([4, 40, 400, 4000]))
  return new Uint8Array(length).fill(random.below(256))
}

class Model {
  readonly znodes = new Znodes()
  readonly data = new Map<string, Uint8Array | null>([['/', null]])
  readonly children = new Map<string, Set<string>>([['/', new Set()]])
  readonly paths = ['/']

  constructor() {
    this.znodes.restore('/', undefined, { ...initialFields, data: null })
  }

  view(path: string): Znode {
    const znode = this.znodes.get(path)
    if (znode === undefined) throw new Error(`'${path}' is missing`)
    return znode
  }

  /** @returns whether it was not there */
  create(parent: string, name: string, data: Uint8Array | null): boolean {
    const path = childPath(parent, name)
    const isNew = !this.data.has(path)
    const made = this.znodes.add(path, this.view(parent), { ...initialFields, data })
    if ((made !== undefined) !== isNew) throw new Error(`'${path}' was there: ${!isNew}`)
    if (!isNew) return false
    this.data.set(path, data)
    this.children.set(path, new Set())
    this.children.get(parent)?.add(name)
    this.paths.push(path)
    return true
  }

  /** Deletes a znode without children. */
  remove(at: number): void {
    const path = this.paths[at] ?? '/'
    if (path === '/' || this.children.get(path)?.size !== 0) return
    const parent = this.view(parentOf(path))
    const znode = this.znodes.childOf(parent, path)
    if (znode === undefined) throw new Error(`'${path}' is no child`)
    this.znodes.remove(parent, znode)
    this.data.delete(path)
    this.children.delete(path)
    this.children.get(parentOf(path))?.delete(path.slice(path.lastIndexOf('/') + 1))
    this.paths[at] = this.paths.at(-1) ?? '/'
    this.paths.pop()
  }

  check(path: string): void {
    const data = this.data.get(path)
    const znode = this.znodes.get(path)
    if (data === undefined) {
      if (znode !== undefined) throw new Error(`'${path}' is still there`)
      return
    }
    const found = znode?.data
    const same = found && data ? Buffer.compare(found, data) === 0 : found === data
    if (!same) throw new Error(`'${path}' has other data`)
    const names = znode?.names() ?? []
    const wanted = [...(this.children.get(path) ?? [])]
    if (names.join('\n') !== wanted.join('\n')) throw new Error(`'${path}' has other children`)
    if (znode?.childCount !== wanted.length) throw new Error(`'${path}' has another count`)
  }
}

t.test('creates, deletes and sets leave what they leave in a Map', async (t) => {
  const random = new Random(seed)
  const model = new Model()
  let removed = 0
  for (let step = 0; step < 60_000; step++) {
    // Thousands, then few, then thousands, with the ids and places of the first.
    const grows = Math.floor(step / 15_000) % 2 === 0
    const at = random.below(model.paths.length)
    const path = model.paths[at] ?? '/'
    const depth = path.split('/').length
    if (random.chance(grows ? 0.7 : 0.1)) {
      const parent = depth > 12 || random.chance(0.3) ? '/' : path
      model.create(parent, nameOf(random), dataOf(random))
    } else if (random.chance(0.7)) {
      model.remove(at)
      removed++
      if (!model.data.has(path)) model.check(path)
    } else {
      const data = dataOf(random)
      model.view(path).setData(data)
      model.data.set(path, data)
      model.check(path)
    }
    if (step % 10_000 === 9999) for (const each of model.paths) model.check(each)
    if (model.znodes.size !== model.data.size) t.fail(`${model.znodes.size} znodes at ${step}`)
  }
  for (const path of model.paths) model.check(path)
  const below = [...model.znodes.below(model.view('/'))]
  t.equal(new Set(below.map(({ id }) => id)).size, model.paths.length - 1, 'each is below / once')
  t.ok(removed > 5000, `${removed} deletes`)
  while (model.paths.length > 1) model.remove(random.below(model.paths.length))
  model.check('/')
  t.equal(model.znodes.size, 1)
})

t.test('a path that no znode has finds none', async (t) => {
  const model = new Model()
  model.create('/', 'a', null)
  model.create('/a', 'b', null)
  for (const path of ['', 'a', 'a/b', '/a/', '//', '//a', '/a//b', '/b', '/a/b/', '/a/bc', '/á']) {
    t.equal(model.znodes.get(path), undefined, path)
  }
  t.equal(model.znodes.add('/', model.view('/'), initialFields), undefined, 'a second /')
  t.equal(model.view('/a/b').id, model.znodes.childOf(model.view('/a'), '/a/b')?.id)
})

t.test('an index finds every id among names of one hash, however it grew', async (t) => {
  const random = new Random(seed)
  for (const expected of [0, 1, 1000, 50_000]) {
    const table = new ZnodeTable()
    const index = new NameIndex(table, expected)
    const name = new StoredName()
    const ids = new Map<string, { readonly id: number; readonly hash: number }>()
    for (let i = 0; i < 20_000; i++) {
      const text = `n${i}`
      name.read(text, 0)
      // A tenth have one of few hashes; of the others, neighbours differ in their low bits only.
      const hash = random.chance(0.1) ? random.below(50) * 0x1000 : i
      const id = table.allocate(name, 7, null)
      index.add(id, hash)
      ids.set(text, { id, hash })
      if (!random.chance(0.3)) continue
      for (const [gone, known] of ids) {
        index.remove(known.id)
        table.free(known.id)
        ids.delete(gone)
        break
      }
    }
    let found = 0
    for (const [text, { id, hash }] of ids) {
      name.read(text, 0)
      if (index.find(7, hash, name) === id) found++
      if (index.find(8, hash, name) !== 0) t.fail(`${text} has another parent`)
    }
    t.equal(found, ids.size, `of ${ids.size}, room for ${expected}`)
    t.equal(index.size, ids.size)
  }
})

t.test('names of a million znodes spread well: a chain has few of them', async (t) => {
  const name = new StoredName()
  const buckets = new Uint8Array(2 ** 20)
  for (let parent = 2; parent < 1002; parent++) {
    for (let i = 0; i < 1000; i++) {
      name.read(`/bench/n-${String(i).padStart(10, '0')}`, 7)
      const bucket = name.hashUnder(parent) & (buckets.length - 1)
      buckets[bucket] = (buckets[bucket] ?? 0) + 1
    }
  }
  const longest = buckets.reduce((a, b) => Math.max(a, b))
  const empty = buckets.reduce((sum, count) => sum + (count === 0 ? 1 : 0), 0)
  t.ok(longest < 16, `${longest} in one chain`)
  t.ok(empty / buckets.length < 0.42, `${empty} empty: 39 % if they were random`)
})
