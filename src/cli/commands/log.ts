// `zw log dump`: the batches of segment files, with their checksums checked. It only reads, also
// while a broker runs: the end of its log may then be cut off in the middle of a batch.

import { once } from 'node:events'
import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Codecs } from '../../client/mq/compression/codecs.ts'
import { codecName } from '../../protocol/mq/compression.ts'
import { codecOf, decodeBatch } from '../../protocol/mq/record-batch.ts'
import { exitCodes } from '../../stoppable.ts'
import { cliCommand } from '../cli-command.ts'
import { entryJson, entryLine, recordJsonLine, recordLine } from '../log/batch-lines.ts'
import { type ByteSource, type SegmentEntry, scanSegment } from '../log/segment-scan.ts'
import { toStderr, writeForeign } from '../output.ts'

export const log = cliCommand({
  command: 'log <action> <paths..>',
  usage: 'zw log dump PATH… [--records] [-J]',
  valued: 'o',
  describe: 'print the batches in the files of a partition, and check them',
  builder: (cli) =>
    cli
      .positional('action', {
        type: 'string',
        choices: ['dump'] as const,
        demandOption: true,
        describe: 'dump: headers, checksums, producer ids and epochs',
      })
      .positional('paths', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'segment files, or directories of partitions',
      })
      .option('records', {
        alias: 'r',
        type: 'boolean',
        default: false,
        describe: 'print the records of each batch, too',
      })
      .option('json', {
        alias: 'J',
        type: 'boolean',
        default: false,
        describe: 'print lines of JSON',
      })
      .option('output', {
        alias: 'o',
        choices: ['text', 'json'] as const,
        default: 'text' as const,
        describe: 'json: the same as -J',
      })
      .epilogue('Exit codes: 0 all batches are whole, 1 some are damaged, 2 bad usage'),
  async handler({ paths, records, json, output }) {
    const dump = new Dump({ records, json: json || output === 'json' })
    for (const file of paths.flatMap(segmentsIn)) await dump.file(file)
    if (dump.damageCount === 0) return
    toStderr(`zw: ${dump.damageCount} of ${dump.batchCount} batches are damaged, or cut off\n`)
    process.exitCode = exitCodes.failure
  },
})

/** The segments of a directory in the order of their offsets, which is that of their names. */
function segmentsIn(path: string): readonly string[] {
  if (!statSync(path).isDirectory()) return [path]
  const names = readdirSync(path).filter((name) => name.endsWith('.segment'))
  if (names.length === 0) throw new Error(`Cannot dump ${path}: it has no segment`)
  return names.sort().map((name) => join(path, name))
}

class Dump {
  readonly #options: { readonly records: boolean; readonly json: boolean }
  readonly #codecs = new Codecs()
  batchCount = 0
  damageCount = 0

  constructor(options: { readonly records: boolean; readonly json: boolean }) {
    this.#options = options
  }

  async file(path: string): Promise<void> {
    const { json, records } = this.#options
    const fd = openSync(path, 'r')
    try {
      const source = fileSource(fd)
      if (!json) await print(`${path}, ${source.sizeBytes} bytes`)
      for (const entry of scanSegment(source)) {
        if (entry.type !== 'end') this.batchCount++
        await print(json ? entryJson(path, entry) : entryLine(entry))
        const isDamaged =
          entry.type === 'damage' || (entry.type === 'batch' && entry.problems.length > 0)
        if (isDamaged) this.damageCount++
        else if (records && entry.type === 'batch') await this.#records(path, source, entry)
      }
    } finally {
      closeSync(fd)
    }
  }

  async #records(
    path: string,
    source: ByteSource,
    { at, header }: Extract<SegmentEntry, { readonly type: 'batch' }>,
  ): Promise<void> {
    const name = codecName(codecOf(header))
    try {
      if (name !== undefined && name !== 'none') await this.#codecs.load(name)
      const bytes = source.read(at, header.sizeBytes)
      const lines = decodeBatch(bytes, 0, this.#codecs.decompress).map((record) =>
        this.#options.json ? recordJsonLine(path, record) : recordLine(record),
      )
      if (lines.length > 0) await print(lines.join('\n'))
    } catch (error) {
      this.damageCount++
      toStderr(`zw: ${path} at ${at}: ${(error as Error).message}\n`)
    }
  }
}

function fileSource(fd: number): ByteSource {
  return {
    sizeBytes: fstatSync(fd).size,
    read(at, length) {
      const bytes = Buffer.alloc(length)
      return bytes.subarray(0, readSync(fd, bytes, 0, length, at))
    },
  }
}

async function print(text: string): Promise<void> {
  if (!writeForeign(process.stdout, `${text}\n`)) await once(process.stdout, 'drain')
}
