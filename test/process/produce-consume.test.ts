import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { offsetCommit } from '../../src/protocol/kafka/api/offset-commit.ts'
import { KafkaClient } from '../broker/kafka/kafka-client.ts'
import { startWorld, Zw } from './world.ts'

t.test('zw produce and zw consume', async (t) => {
  const { cluster, dataDir } = await startWorld(t, { servers: 1, brokers: 1 })
  const server = `127.0.0.1:${cluster.member('server', 1).address.port}`
  const run = async (t: Test, words: string, input?: string) => {
    const zw = new Zw(t, [...words.split(' '), '-s', server], input === undefined ? {} : { input })
    return { code: await zw.closed(), lines: zw.lines, errors: zw.errors }
  }

  t.test('lines are consumed in the order of production', async (t) => {
    const wanted = Array.from({ length: 1000 }, (_, i) => `line ${i}`)
    const { code, errors } = await run(t, 'produce lines --create', wanted.join('\n'))
    t.equal(code, 0)
    t.match(errors, 'created topic lines: 1 partition, 1 replica')
    t.match(errors, '1000 records stored in lines')
    const { lines } = await run(t, 'consume lines --from-beginning --exit-at-end')
    t.same(lines, wanted)
  })

  t.test('keys, nulls and formats', async (t) => {
    await run(t, 'produce keyed --create -Z -K :', 'a:1\nb:\nc\n')
    const { lines } = await run(t, 'consume keyed --from-beginning -e -f %o|%k|%s|%p|%t\\n')
    t.same(lines, ['0|a|1|0|keyed', '1|b||0|keyed', '2||c|0|keyed'])
  })

  t.test('a group resumes after the printed records, not after the fetched ones', async (t) => {
    t.same((await run(t, 'consume lines -G g --max 3')).lines, ['line 0', 'line 1', 'line 2'])
    t.same((await run(t, 'consume lines -G g --max 2')).lines, ['line 3', 'line 4'])
    t.equal((await run(t, 'consume lines -G g -e')).lines[0], 'line 5')
    t.same((await run(t, 'consume lines -G g -e')).lines, [])
  })

  t.test('an offset that does not exist is fatal or reported, as configured', async (t) => {
    // Clients of Kafka may commit any offset; only the coordinator takes it.
    const partition = { partitionIndex: 0, committedOffset: 5000, committedMetadata: '' }
    const topics = [{ name: 'lines', partitions: [partition] }]
    for (const { address } of cluster.brokers) {
      const client = new KafkaClient(address.port)
      const none = { generationIdOrMemberEpoch: -1, memberId: '' }
      await client.send(offsetCommit, 2, { groupId: 'g', ...none, topics })
      client.close()
    }
    const stopped = await run(t, 'consume lines -G g -e')
    t.equal(stopped.code, 1)
    t.match(stopped.errors, /at 5000: the log begins at 0 and ends at 1000/)
    const again = await run(t, 'consume lines -G g --out-of-range earliest --max 2')
    t.same(again.lines, ['line 0', 'line 1'])
    t.match(again.errors, 'partition 0: offset 5000 does not exist, continuing at 0')
  })

  t.test('lines come from a file, and a seed reproduces its goals', async (t) => {
    const dir = t.testdir({ 'three.txt': 'x\ny\nz' })
    await run(t, `produce file ${join(dir, 'three.txt')} --create`)
    t.same((await run(t, 'consume file --from-beginning -e')).lines, ['x', 'y', 'z'])
    await run(t, 'produce seeded --goals 5 --seed 7')
    await run(t, 'produce seeded --goals 5 --seed 7')
    const { lines } = await run(t, 'consume seeded --from-beginning -e')
    t.equal(lines.length, 10)
    t.same(lines.slice(0, 5), lines.slice(5))
  })

  t.test('the flags of kcat', async (t) => {
    const { code, errors } = await run(
      t,
      'produce -t kcat --create -q -k fixed -K : -H trace=a1 -H none -z zstd -c 3',
      'a:1\nno key\nc:3\nd:4\n',
    )
    t.same([code, errors], [0, ''])
    const read = async (words: string) => (await run(t, `consume -t kcat -q -e ${words}`)).lines
    const all = ['a|1|trace=a1,none=', 'fixed|no key|trace=a1,none=', 'c|3|trace=a1,none=']
    t.same(await read('-o beginning -f %k|%s|%h\\n'), all)
    t.same(await read('-o -1 -K =>'), ['c=>3'])
    t.same(await read('-o 1 -c 1 -u'), ['no key'])
    const { lines: times } = await run(t, 'consume -t kcat -o 2 -e -f %T\\n')
    t.equal((await read(`-o s@${times[0]}`)).at(-1), '3')
    t.same(await read('-o s@0,e@1'), [])
    t.same(await read('-o s@9000000000000'), [])
    const [json = ''] = await read('-o 2 -J')
    t.match(JSON.parse(json), {
      topic: 'kcat',
      offset: 2,
      key: 'c',
      payload: '3',
      tstype: 'create',
    })
    const file = join(t.testdir({ whole: 'two\nlines' }), 'whole')
    t.equal((await run(t, `produce -t kcat --whole ${file} ${file}`)).code, 0)
    t.same(await read('-o -2'), ['two', 'lines', 'two', 'lines'])
  })

  t.test('the log of a running broker is dumped', async (t) => {
    const dump = async (...words: readonly string[]) => {
      const zw = new Zw(t, ['log', 'dump', ...words])
      return { code: await zw.closed(), lines: zw.lines, errors: zw.errors }
    }
    const names = readdirSync(dataDir, { recursive: true, encoding: 'utf8' })
    const isOfKcat = (name: string) =>
      name.endsWith('partition.json') && /"kcat"/.test(readFileSync(join(dataDir, name), 'utf8'))
    const directory = join(dataDir, names.find(isOfKcat) ?? '', '..')
    const { code, lines, errors } = await dump(directory, '-r')
    t.same([code, errors], [0, ''])
    t.match(
      lines[1],
      /^0-2 at 0: 3 records, \d+ bytes, zstd, .* producer \d+ epoch 0 sequence 0-2$/,
    )
    t.match(lines[2], /^ {4}0 .*Z a: 1 \[trace=a1, none=null\]$/)
    t.match(lines.at(-1), /^at \d+: the end/)
    const [json = ''] = (await dump(directory, '-J')).lines
    t.match(JSON.parse(json), { baseOffset: 0, lastOffset: 2, codec: 'zstd', problems: [] })
    const segment = readdirSync(directory).find((name) => name.endsWith('.segment')) ?? ''
    const bytes = readFileSync(join(directory, segment))
    bytes[100] = (bytes[100] ?? 0) ^ 1
    const copy = join(t.testdir({ copy: bytes }), 'copy')
    t.match(await dump(copy), { code: 1, errors: /1 of \d batches are damaged/ })
    t.match(await dump('/no/such/file'), { code: 1, errors: /ENOENT/ })
    t.match(await dump(), { code: 2 })
  })

  t.test('a topic is measured', async (t) => {
    const measure = async (words: string) => {
      const { code, lines, errors } = await run(t, `bench ${words} -J`)
      t.equal(code, 0, errors)
      return JSON.parse(lines.join('')) as Record<string, unknown>
    }
    const produced = await measure('produce measured --create -n 2000 --size 50 --batch 300 -z lz4')
    t.match(produced, { count: 2000, bytes: 100_000, latencyMs: { count: 7 } })
    t.match(await measure('consume measured'), { count: 2000, bytes: 100_000 })
    const timed = await measure('end-to-end measured -n 50 --rate 500 --size 20')
    t.match(timed, { count: 50, bytes: 1000, latencyMs: { count: 50 } })
    t.match(await measure('produce measured -n 20 --rate 500'), { latencyMs: { count: 20 } })
    const { lines } = await run(t, 'bench consume measured')
    t.match(lines[0], /^2070 records read in .* a second, .* MB\/s$/)
    t.match(await run(t, 'bench consume measured --rate 5'), { code: 2, errors: /--rate/ })
  })

  t.test('acks=0 does not wait for an answer', async (t) => {
    const { code, errors } = await run(t, 'produce lines --acks 0', 'x\n')
    t.equal(code, 0)
    t.match(errors, '1 record sent to lines')
  })

  const mistakes = [
    { words: 'produce nowhere', code: 1, says: /the topic does not exist .*--create/ },
    { words: 'produce lines /no/such/file', code: 1, says: /Cannot read \/no\/such\/file: ENOENT/ },
    { words: 'produce lines --goals 0', code: 2, says: /--goals 0: it must be/ },
    { words: 'produce lines file --goals 5', code: 2, says: /one of them/ },
    { words: 'produce lines -p x', code: 2, says: /--partition x: .*\nUsage: zw produce TOPIC/ },
    { words: 'consume lines -b ::1:2181', code: 2, says: /write \[::1\]:2181/ },
    { words: 'produce lines --acks some', code: 2, says: /acks/ },
    { words: 'consume nowhere', code: 1, says: /the topic does not exist/ },
    { words: 'consume lines --max none', code: 2, says: /--max none: it must be a whole number/ },
    { words: 'produce', code: 2, says: /the topic is missing/ },
    { words: 'produce lines --whole', code: 2, says: /the files are missing/ },
    { words: 'produce lines -z brotli', code: 2, says: /gzip/ },
    { words: 'consume lines -o yesterday', code: 2, says: /--offset yesterday: it must be one of/ },
    { words: 'consume lines -o 3 -G g', code: 2, says: /--offset with --group/ },
    { words: 'consume lines -o stored', code: 2, says: /without --group/ },
    { words: 'consume lines -J -f %s', code: 2, says: /two of/ },
    { words: 'consume lines -G g --from-beginning', code: 2, says: /the group resumes/ },
    { words: 'consume lines -f %y', code: 2, says: /%y does not exist; use %t/ },
    { words: 'consume lines -b 127.0.0.1:1', code: 1, says: /tried 127\.0\.0\.1:1/ },
    { words: 'consume lines -b nonsense:x', code: 2, says: /nonsense:x/ },
  ]
  for (const { words, code, says } of mistakes) {
    t.test(`a usage error: zw ${words}`, async (t) => {
      const result = await run(t, words, 'x\n')
      t.equal(result.code, code)
      t.match(result.errors, says)
      t.same(result.lines, [])
    })
  }
})
