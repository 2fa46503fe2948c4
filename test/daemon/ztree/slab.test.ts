import t from 'tap'
import { placeBytes, Slab } from '../../../src/daemon/ztree/slab.ts'
import { Random } from '../../../src/random.ts'

for (const [bytes, want] of [
  [1, 8],
  [8, 8],
  [9, 16],
  [64, 64],
  [65, 72],
  [128, 128],
  [129, 144],
  [156, 160],
  [256, 256],
  [257, 288],
  [513, 576],
  [1024, 1024],
  [1025, 1152],
  [1_048_576, 1_048_576],
  [1_048_577, 1_179_648],
] as const) {
  t.test(`${bytes} bytes get a place of ${want}`, async (t) => {
    t.equal(placeBytes(bytes), want)
  })
}

t.test('a place is never too small, never more than an eighth too large', async (t) => {
  const wrong: string[] = []
  for (let bytes = 1; bytes < 300_000; bytes += bytes < 3000 ? 1 : 977) {
    const size = placeBytes(bytes)
    if (size < bytes || size % 8 !== 0 || size - bytes > Math.max(7, bytes / 8)) {
      wrong.push(`${bytes} → ${size}`)
    }
    if (placeBytes(size) !== size) wrong.push(`${size} is no size of a place`)
  }
  t.same(wrong, [])
})

t.test('places do not overlap, and freed ones are used again', async (t) => {
  const seed = 5
  t.comment(`seed ${seed}`)
  const random = new Random(seed)
  const slab = new Slab()
  const taken: { place: number; bytes: number; mark: number }[] = []
  let bytesTaken = 0
  let bytesMost = 0
  const pages = new Set<unknown>()
  for (let i = 0; i < 20_000; i++) {
    if (taken.length > 500 || (taken.length > 0 && random.chance(0.4))) {
      const [gone] = taken.splice(random.below(taken.length), 1)
      if (gone === undefined) break
      const offset = slab.offset(gone.place)
      const { bytes } = slab.page(gone.place)
      if (!bytes.subarray(offset, offset + gone.bytes).every((byte) => byte === gone.mark)) {
        t.fail(`an allocated place was overwritten at ${i}`)
      }
      slab.free(gone.place, gone.bytes)
      bytesTaken -= gone.bytes
    } else {
      const bytes = random.chance(0.01) ? 70_000 + random.below(90_000) : 1 + random.below(300)
      const mark = i % 251
      const place = slab.allocate(bytes)
      const offset = slab.offset(place)
      if (offset % 8 !== 0) t.fail(`${offset} is not aligned`)
      slab.page(place).bytes.fill(mark, offset, offset + bytes)
      taken.push({ place, bytes, mark })
      bytesTaken += bytes
      bytesMost = Math.max(bytesMost, bytesTaken)
      if (bytes < 1000) pages.add(slab.page(place))
    }
  }
  t.equal(pages.size, 1, 'freed places are reused before a new page is allocated')
  t.ok(bytesMost > 300_000, 'large values were among them')
})
