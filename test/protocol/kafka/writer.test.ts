import t from 'tap'
import { KafkaWriter } from '../../../src/protocol/kafka/writer.ts'

interface Piece {
  readonly bytes: Uint8Array
  readonly isInserted: boolean
}

function piecesOf(writer: KafkaWriter): Piece[] {
  const pieces: Piece[] = []
  writer.forEachPiece((bytes, isInserted) => pieces.push({ bytes, isInserted }))
  return pieces
}

t.test('large records are separate pieces that share the bytes of the caller', async (t) => {
  const first = Buffer.alloc(5000, 1)
  const second = Buffer.alloc(6000, 2)
  const writer = new KafkaWriter(16)
  writer.beginFrame()
  writer.records(first, false)
  writer.int8(9)
  writer.records(second, true)
  writer.endFrame()
  const pieces = piecesOf(writer)
  t.same(
    pieces.map(({ isInserted }) => isInserted),
    [false, true, false, true],
  )
  t.equal(pieces[1]?.bytes, first)
  t.equal(pieces[3]?.bytes, second)
  t.same(pieces[0]?.bytes, Buffer.from('00002aff 00001388'.replace(' ', ''), 'hex'))
  t.same(pieces[2]?.bytes, Buffer.from('09f12e', 'hex'))
})

t.test('the size of a message counts only its own records', async (t) => {
  const writer = new KafkaWriter()
  for (const length of [3000, 4000]) {
    writer.beginFrame()
    writer.records(Buffer.alloc(length), false)
    writer.endFrame()
  }
  const bytes = Buffer.concat(piecesOf(writer).map(({ bytes }) => bytes))
  t.equal(bytes.readInt32BE(0), 4 + 3000)
  t.equal(bytes.readInt32BE(4 + 4 + 3000), 4 + 4000)
  t.equal(bytes.length, 2 * 8 + 7000)
})

t.test('small records are copied', async (t) => {
  const writer = new KafkaWriter()
  writer.records(Buffer.of(1, 2), false)
  t.same(piecesOf(writer), [{ bytes: Buffer.from('000000020102', 'hex'), isInserted: false }])
})

t.test('a cleared writer has no pieces', async (t) => {
  const writer = new KafkaWriter()
  writer.records(Buffer.alloc(5000), false)
  writer.clear()
  t.same(piecesOf(writer), [])
})
