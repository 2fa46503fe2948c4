import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { exportRecords } from '../../../src/cli/browser/export-file.ts'
import type { ExportRequest } from '../../../src/cli/browser/export-form.ts'
import { recordOf, recordsOf } from './records.ts'

function request(path: string, given: Partial<ExportRequest> = {}): ExportRequest {
  return {
    topic: 'events',
    records: recordsOf(3),
    path,
    format: 'values',
    mayReplace: false,
    ...given,
  }
}

t.test('lines of JSON are those of zw consume -J', async (t) => {
  const path = join(t.testdir(), 'e.jsonl')
  const records = [
    recordOf({ partition: 2, offset: 7, key: 'k', value: '試\n', headers: { a: null } }),
    recordOf({ value: Uint8Array.of(0xff), timestampMs: 5 }),
  ]
  const outcome = await exportRecords(request(path, { records, format: 'json' }))
  const lines = readFileSync(path, 'utf8')
  t.same(outcome, { type: 'written', path, count: 2, bytes: Buffer.byteLength(lines) })
  t.equal(
    lines,
    '{"topic":"events","partition":2,"offset":7,"tstype":"create","ts":0,"headers":["a",null],"key":"k","payload":"試\\n"}\n' +
      '{"topic":"events","partition":0,"offset":0,"tstype":"create","ts":5,"headers":[],"key":null,"payload_base64":"/w=="}\n',
  )
})

t.test(
  'values keep their bytes, in the order of the records, however many there are',
  async (t) => {
    const path = join(t.testdir(), 'e.txt')
    const bytes = Uint8Array.of(0x1b, 0x5b, 0xff)
    const records = [...recordsOf(1001), recordOf({ value: bytes }), recordOf({ value: null })]
    await exportRecords(request(path, { records }))
    const want = Array.from({ length: 1001 }, (_, i) => `m${i}\n`).join('')
    t.same(readFileSync(path), Buffer.concat([Buffer.from(want), bytes, Buffer.from('\n\n')]))
  },
)

t.test('a file that exists stays as it is until the user says so', async (t) => {
  const directory = t.testdir({ 'e.txt': 'precious' })
  const path = join(directory, 'e.txt')
  t.same(await exportRecords(request(path)), { type: 'exists', path })
  t.equal(readFileSync(path, 'utf8'), 'precious')
  t.match(await exportRecords(request(path, { mayReplace: true })), { type: 'written', path })
  t.equal(readFileSync(path, 'utf8'), 'm0\nm1\nm2\n')
  t.same(readdirSync(directory), ['e.txt'], 'nothing else is left')
})

t.test('a link to a file stays one when its file is replaced', async (t) => {
  const directory = t.testdir({ target: 'old', link: t.fixture('symlink', 'target') })
  await exportRecords(request(join(directory, 'link'), { mayReplace: true }))
  t.equal(readFileSync(join(directory, 'target'), 'utf8'), 'm0\nm1\nm2\n')
})

t.test('what cannot be written is told in words, and nothing is left behind', async (t) => {
  const directory = t.testdir({ file: 'x', folder: { 'inside.txt': '' } })
  symlinkSync('missing/target', join(directory, 'dangling'))
  const cases = [
    { path: 'none/e.txt', mayReplace: false, says: /its directory does not exist/ },
    { path: 'file/e.txt', mayReplace: false, says: /a part of its path is no directory/ },
    { path: 'folder', mayReplace: true, says: /it is a directory/ },
    { path: 'n'.repeat(300), mayReplace: false, says: /the name is too long/ },
    { path: 'dangling/e.txt', mayReplace: true, says: /its directory does not exist/ },
  ]
  for (const { path, mayReplace, says } of cases) {
    const outcome = await exportRecords(request(join(directory, path), { mayReplace }))
    t.match(outcome, { type: 'failed', message: says }, path)
  }
  t.same(readdirSync(directory).sort(), ['dangling', 'file', 'folder'])
  t.same(await exportRecords(request('/dev/null')), { type: 'exists', path: '/dev/null' })
  t.match(await exportRecords(request('/dev/null', { mayReplace: true })), {
    type: 'failed',
    message: /not a regular file/,
  })
  const full = await exportRecords(request('/dev/full/x'))
  t.equal(full.type, 'failed')
})

t.test('~ is the home directory, and other paths begin in the working directory', async (t) => {
  const home = t.testdir()
  const before = process.env['HOME']
  process.env['HOME'] = home
  t.teardown(() => {
    process.env['HOME'] = before
  })
  mkdirSync(join(home, 'out'))
  t.match(await exportRecords(request('~/out/e.txt')), { path: join(home, 'out/e.txt') })
  writeFileSync(join(home, 'cwd'), '')
  const outcome = await exportRecords(request('package.json'))
  t.same(outcome, { type: 'exists', path: join(process.cwd(), 'package.json') })
})
