import { ZkMultiError } from '../../../client/zk/zk-client.ts'
import type { MultiOp, MultiResult } from '../../../protocol/zk/messages.ts'
import { formatError } from '../format.ts'
import { type OptionSpec, type ParsedWords, parseWords, UsageError } from '../parse-line.ts'
import { createOptions, createOptionsOf, createWords } from './create.ts'
import { type ShellCommand, versionOf, wordAt } from './shell-command.ts'

interface Part {
  readonly options: OptionSpec
  readonly words: { readonly min: number; readonly max: number }
  make(words: ParsedWords): MultiOp
}

/** Parts are written like the commands of the same name. */
const parts: Readonly<Record<string, Part>> = {
  create: {
    options: createOptions,
    words: createWords,
    make: (words) => ({
      type: 'create',
      path: wordAt(words, 0),
      data: words.rest[1] === undefined ? null : Buffer.from(words.rest[1]),
      ...createOptionsOf(words),
    }),
  },
  set: {
    options: { v: 'value' },
    words: { min: 2, max: 2 },
    make: (words) => ({
      type: 'setData',
      path: wordAt(words, 0),
      data: Buffer.from(wordAt(words, 1)),
      version: versionOf(words),
    }),
  },
  delete: {
    options: { v: 'value' },
    words: { min: 1, max: 1 },
    make: (words) => ({ type: 'delete', path: wordAt(words, 0), version: versionOf(words) }),
  },
  check: {
    options: { v: 'value' },
    words: { min: 1, max: 1 },
    make: (words) => ({ type: 'check', path: wordAt(words, 0), version: versionOf(words) }),
  },
}

export const multi: ShellCommand = {
  name: 'multi',
  usage: 'part [; part] …',
  about:
    'runs all parts or none: create, set and delete as the commands, check [-v version] path; ' +
    'a ; between two parts is a word of its own',
  options: 'raw',
  words: { min: 1, max: Number.POSITIVE_INFINITY },
  async run(shell, { rest }) {
    const ops = splitAt(rest, ';').map(parsePart)
    try {
      const results = await shell.zk.multi(ops)
      for (const [i, result] of results.entries()) {
        shell.print(formatResult(result, ops[i]?.path ?? ''))
      }
    } catch (error) {
      if (!(error instanceof ZkMultiError)) throw error
      const part = `part ${error.index + 1} of ${ops.length}`
      throw new Error(`No part was applied: ${part} failed: ${formatError(error)}`)
    }
  },
}

function splitAt(words: readonly string[], separator: string): string[][] {
  const groups: string[][] = [[]]
  for (const word of words) {
    if (word === separator) groups.push([])
    else groups.at(-1)?.push(word)
  }
  return groups.filter((group) => group.length > 0)
}

function parsePart([name = '', ...words]: string[]): MultiOp {
  const part = parts[name]
  if (part === undefined) {
    const names = Object.keys(parts).join(', ')
    throw new UsageError(`Cannot use part '${name}': it must be one of ${names}`)
  }
  const parsed = parseWords(words, part.options)
  const { min, max } = part.words
  if (parsed.rest.length < min || parsed.rest.length > max) {
    const why = parsed.rest.length < min ? 'a word is missing' : 'too many words'
    throw new UsageError(`Cannot run part '${name} ${words.join(' ')}': ${why}`)
  }
  return part.make(parsed)
}

function formatResult(result: MultiResult, path: string): string {
  switch (result.type) {
    case 'create':
      return `Created ${result.path}`
    case 'setData':
      return `Set ${path}`
    case 'delete':
      return `Deleted ${path}`
    case 'check':
      return `Checked ${path}`
    case 'error':
      return `Failed ${path}`
  }
}
