// The small parts in isolation, by `benchmark`: the cost of one call on an otherwise idle core.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import benchmark from 'benchmark'
import { openTxnLog } from '../src/daemon/storage/txn-log.ts'
import { decodeTxn, encodeTxn, type Txn } from '../src/daemon/ztree/txn.ts'
import { type TreeEvent, ZTree } from '../src/daemon/ztree/ztree.ts'
import { openDiskDirectory } from '../src/log/segment-file.ts'
import { ZooKeeperDialect } from '../src/protocol/compat/zookeeper.ts'
import { crc32c } from '../src/protocol/crc32c.ts'
import { fetch } from '../src/protocol/kafka/api/fetch.ts'
import { produce } from '../src/protocol/kafka/api/produce.ts'
import { writeResponse } from '../src/protocol/kafka/headers.ts'
import { KafkaReader } from '../src/protocol/kafka/reader.ts'
import { KafkaWriter } from '../src/protocol/kafka/writer.ts'
import { MsgpackReader, MsgpackWriter } from '../src/protocol/msgpack.ts'
import { noSession, openAcl, type ServerId, type Stat } from '../src/protocol/records.ts'
import type { ReplyBody, Request } from '../src/protocol/zk/messages.ts'
import { decodeRequest, encodeReply, encodeRequest } from '../src/protocol/zk/native.ts'
import { NativeDialect } from '../src/protocol/zk/native-dialect.ts'
import { makeZxid, nextZxid, type Zxid, zxidZero } from '../src/protocol/zxid.ts'
import { type Codec, candidates } from './codecs.ts'
import { mqCandidates } from './mq-codecs.ts'
import { figure, table } from './report.ts'

const path = '/bench/k0042'
const data = new Uint8Array(100).fill(120)
const someZxid = makeZxid({ epoch: 3, counter: 123_456 })
const timeMs = 1_800_000_000_000
const treeSize = 100_000

interface Case {
  readonly name: string
  readonly run: () => void
}

interface AsyncCase {
  readonly name: string
  readonly run: (done: () => void) => void
}

/** @param parent directory for the log's files until it ends */
export async function runMicro(parent: string, print: (text: string) => void): Promise<void> {
  const rows: string[][] = []
  const cases = [...dialectCases(), ...codecCases(), ...kafkaCases(), ...treeCases()]
  for (const { name, run } of cases) {
    rows.push(row(name, await timed(name, { fn: run })))
  }
  const { cases: ofLog, close } = logCases(parent)
  for (const { name, run } of ofLog) {
    const fn = (deferred: { resolve(): void }) => run(() => deferred.resolve())
    rows.push(row(name, await timed(name, { defer: true, fn })))
  }
  await close()
  print(table(['one call', 'µs', '± %', 'per second'], rows))
  await compareCodecs(print)
}

/** Measures by hand and by msgpackr in one run, so that both have the same machine. */
async function compareCodecs(print: (text: string) => void): Promise<void> {
  const writer = new MsgpackWriter(64 * 1024)
  const reader = new MsgpackReader()
  const micros = async (name: string, { encode, decode }: Codec): Promise<[number, number]> => {
    const out = new MsgpackWriter()
    encode(out)
    const bytes = Buffer.from(out.view())
    const fn = () => {
      writer.clear()
      encode(writer)
    }
    const encoding = await timed(name, { fn })
    const decoding = await timed(name, {
      fn: () => void decode(reader.reset(bytes, 0, bytes.length)),
    })
    return [encoding.stats.mean * 1e6, decoding.stats.mean * 1e6]
  }
  const rows: string[][] = []
  for (const { name, hand, table } of [...candidates(), ...mqCandidates()]) {
    const byHand = await micros(name, hand)
    const byTable = await micros(name, table)
    const times = (byTable[0] + byTable[1]) / (byHand[0] + byHand[1])
    const cells = [...byHand, ...byTable].map((value) => value.toFixed(2))
    rows.push([name, ...cells, `${times.toFixed(1)} ×`])
  }
  const heads = ['encode by hand, µs', 'decode', 'encode by msgpackr', 'decode', 'slower']
  print(table(['message', ...heads], rows))
}

function row(name: string, { stats }: benchmark): string[] {
  const micros = stats.mean * 1e6
  return [name, micros.toFixed(3), stats.rme.toFixed(1), figure(1e6 / micros)]
}

function timed(name: string, options: benchmark.Options): Promise<benchmark> {
  return new Promise((resolve, reject) => {
    const bench = new benchmark(name, { ...options, maxTime: 1, minSamples: 20 })
    bench.on('complete', () => (bench.error === undefined ? resolve(bench) : reject(bench.error)))
    bench.run({ async: true })
  })
}

function setTxn(seq: number): Txn {
  const body = { type: 'setData', path, data, version: seq } as const
  return { origin: 1 as ServerId, seq, session: noSession, timeMs, body }
}

function createTxn(newPath: string, parentCreateCount: number): Txn {
  const body = { type: 'create', path: newPath, data, ephemeralOwner: noSession } as const
  const rest = { parentCreateCount, acl: openAcl, lifetime: 0 }
  const txn = { origin: 1 as ServerId, seq: 1, session: noSession, timeMs }
  return { ...txn, body: { ...body, ...rest } }
}

const stat: Stat = {
  czxid: someZxid,
  mzxid: someZxid,
  ctime: timeMs,
  mtime: timeMs,
  version: 7,
  cversion: 0,
  aversion: 0,
  ephemeralOwner: noSession,
  dataLength: data.length,
  numChildren: 0,
  pzxid: someZxid,
}

/**
 * The cost of a request to a server, in the client's dialect: reading its frame, writing its reply.
 */
function dialectCases(): Case[] {
  const dialects = { native: new NativeDialect(), ZooKeeper: new ZooKeeperDialect() }
  const children = ['k0001', 'k0002', 'k0003', 'k0004']
  const exchanges: readonly (readonly [string, Request, ReplyBody])[] = [
    ['get, 100 B', { type: 'getData', path, watch: false }, { type: 'getData', data, stat }],
    ['set, 100 B', { type: 'setData', path, data, version: -1 }, { type: 'setData', stat }],
    [
      'create, 100 B',
      { type: 'create', path, data, mode: 'persistent' },
      { type: 'create', path, stat },
    ],
    ['exists', { type: 'exists', path, watch: false }, { type: 'exists', stat }],
    [
      'children, 4',
      { type: 'getChildren', path, watch: false },
      { type: 'getChildren', children, stat },
    ],
    ['ping', { type: 'ping' }, { type: 'ping' }],
  ]
  const writer = new MsgpackWriter(64 * 1024)
  return exchanges.flatMap(([what, request, body]) =>
    Object.entries(dialects).map(([name, dialect]) => {
      const out = new MsgpackWriter()
      dialect.clientCodec().encodeRequest(out, 70_000, request)
      const bytes = Buffer.from(out.view())
      const codec = dialect.serverCodec()
      const run = () => {
        writer.clear()
        codec.decodeRequest(bytes, 0, bytes.length)
        codec.encodeReply(writer, 70_000, someZxid, body)
      }
      return { name: `${what}: in and out, ${name} dialect`, run }
    }),
  )
}

function codecCases(): Case[] {
  const writer = new MsgpackWriter(64 * 1024)
  const reader = new MsgpackReader()
  const bytesOf = (encode: (out: MsgpackWriter) => void) => {
    const out = new MsgpackWriter()
    encode(out)
    return Buffer.from(out.view())
  }
  const set = { type: 'setData', path, data, version: -1 } as const
  const setBytes = bytesOf((out) => encodeRequest(out, 70_000, set))
  const txnBytes = bytesOf((out) => encodeTxn(out, setTxn(70_000)))
  const record = Buffer.alloc(170, 1)
  const batch = Buffer.alloc(16 * 1024, 1)
  return [
    {
      name: 'encode a set request, 100 B',
      run() {
        writer.clear()
        encodeRequest(writer, 70_000, set)
      },
    },
    {
      name: 'decode a set request',
      run: () => void decodeRequest(reader.reset(setBytes, 0, setBytes.length)),
    },
    {
      name: 'encode a get reply, 100 B',
      run() {
        writer.clear()
        encodeReply(writer, 70_000, someZxid, { type: 'getData', data, stat })
      },
    },
    {
      name: 'encode a set transaction, 100 B',
      run() {
        writer.clear()
        encodeTxn(writer, setTxn(70_000))
      },
    },
    {
      name: 'decode a set transaction',
      run: () => void decodeTxn(reader.reset(txnBytes, 0, txnBytes.length)),
    },
    { name: 'crc32c, 170 B', run: () => void crc32c(record) },
    { name: 'crc32c, 16 KiB', run: () => void crc32c(batch) },
  ]
}

/**
 * Produce and fetch in Kafka's protocol: the cost of neither may depend on the size of the records.
 */
function kafkaCases(): Case[] {
  const writer = new KafkaWriter(64 * 1024)
  const reader = new KafkaReader()
  const records = Buffer.alloc(64 * 1024, 1)
  const header = { correlationId: 70_000, version: 9 }
  const version = 11
  const bytesOf = (write: (to: KafkaWriter) => void) => {
    const to = new KafkaWriter()
    write(to)
    const pieces: Uint8Array[] = []
    to.forEachPiece((piece) => pieces.push(piece))
    return Buffer.concat(pieces)
  }
  const produceBytes = bytesOf((to) => {
    const partitionData = [{ index: 0, records }]
    const topicData = [{ name: 'goals', partitionData }]
    produce.request.write(to, 9, { transactionalId: null, acks: -1, timeoutMs: 30_000, topicData })
  })
  const fetchBytes = (partitionCount: number) =>
    bytesOf((to) => {
      const partitions = Array.from({ length: partitionCount }, (_, partition) => {
        return { partition, fetchOffset: 123_456_789, partitionMaxBytes: 1_048_576 }
      })
      const topics = [{ topic: 'goals', partitions }]
      const limits = { maxWaitMs: 500, minBytes: 1, maxBytes: 52_428_800, isolationLevel: 0 }
      fetch.request.write(to, version, { ...limits, topics })
    })
  const fetched = (partitionCount: number) => ({
    responses: [
      {
        topic: 'goals',
        partitions: Array.from({ length: partitionCount }, (_, partitionIndex) => ({
          partitionIndex,
          errorCode: 0,
          highWatermark: 123_456_789,
          lastStableOffset: 123_456_789,
          abortedTransactions: null,
          records,
        })),
      },
    ],
  })
  const fetchCases = [1, 100].flatMap((count): Case[] => {
    const partitions = count === 1 ? 'one partition' : `${count} partitions`
    const [bytes, response] = [fetchBytes(count), fetched(count)]
    return [
      {
        name: `decode a Kafka fetch of ${partitions}`,
        run: () => void fetch.request.read(reader.reset(bytes, 0, bytes.length), version),
      },
      {
        name: `encode its response, 64 KiB of records each`,
        run() {
          writer.clear()
          writeResponse(writer, fetch, { correlationId: 70_000, version }, response)
          writer.forEachPiece(() => undefined)
        },
      },
    ]
  })
  const produced = {
    responses: [
      {
        name: 'goals',
        partitionResponses: [{ index: 0, errorCode: 0, baseOffset: 7, logAppendTimeMs: -1 }],
      },
    ],
  }
  return [
    {
      name: 'decode a Kafka produce, 64 KiB',
      run: () => void produce.request.read(reader.reset(produceBytes, 0, produceBytes.length), 9),
    },
    {
      name: 'encode its response',
      run() {
        writer.clear()
        writeResponse(writer, produce, header, produced)
        writer.forEachPiece(() => undefined)
      },
    },
    ...fetchCases,
  ]
}

function treeCases(): Case[] {
  const tree = new ZTree()
  const events: TreeEvent[] = []
  let zxid = zxidZero
  const apply = (txn: Txn) => {
    zxid = zxid === zxidZero ? makeZxid({ epoch: 1, counter: 1 }) : nextZxid(zxid)
    tree.apply(zxid, txn, events)
    events.length = 0
  }
  apply(createTxn('/bench', 1))
  apply(createTxn(path, 1))
  for (let i = 0; i < treeSize; i++) apply(createTxn(`/bench/n${i}`, i + 2))
  tree.takeDirty()
  let version = 0
  let created = 0
  return [
    {
      name: `look up a znode and its Stat, among ${figure(treeSize)}`,
      run() {
        const znode = tree.get(path)
        if (znode !== undefined) tree.stat(znode)
      },
    },
    { name: 'apply a set, 100 B', run: () => apply(setTxn(++version)) },
    {
      name: 'apply a create and a delete, 100 B',
      run() {
        const newPath = `/bench/x${++created}`
        apply(createTxn(newPath, treeSize + created + 2))
        apply({ ...setTxn(1), body: { type: 'delete', path: newPath } })
      },
    },
  ]
}

function logCases(parent: string): { cases: AsyncCase[]; close: () => Promise<void> } {
  const directory = mkdtempSync(join(parent, 'log-'))
  const logDirectory = join(directory, 'log')
  mkdirSync(logDirectory)
  let waiting: () => void = () => undefined
  const { log } = openTxnLog({
    directory: openDiskDirectory(logDirectory),
    baseZxid: zxidZero,
    lastApplied: zxidZero,
    onDurable: (durable) => {
      if (durable === last) waiting()
    },
    onFailure: (error) => {
      throw error
    },
  })
  let last: Zxid = zxidZero
  const out = new MsgpackWriter()
  encodeTxn(out, setTxn(1))
  const payload = out.view()
  const one = Buffer.alloc(4 + payload.length)
  one.writeUInt32BE(payload.length)
  one.set(payload, 4)
  const batchOf = (count: number): AsyncCase => {
    const bytes = Buffer.concat(Array.from({ length: count }, () => one))
    return {
      name: `log ${count === 1 ? 'one transaction' : `${count} transactions at once`}, 100 B, fsync`,
      run(done) {
        const first = last === zxidZero ? makeZxid({ epoch: 1, counter: 1 }) : nextZxid(last)
        last = (first + count - 1) as Zxid
        waiting = done
        log.append({ first, count, bytes })
        log.flush()
      },
    }
  }
  return {
    cases: [batchOf(1), batchOf(80)],
    close: () =>
      new Promise((resolve) =>
        log.close(() => {
          rmSync(directory, { recursive: true, force: true })
          resolve()
        }),
      ),
  }
}
