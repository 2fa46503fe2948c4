import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { OptionRows } from '../src/option-rows.ts'
import { OptionError, readOptions } from '../src/options.ts'

const rows = {
  tickTime: { type: 'integer', default: 2000, min: 100, max: 60_000, about: 'Ms per tick.' },
  dataDir: { type: 'text', default: undefined, about: 'Where data lies.' },
  'min.insync.replicas': {
    type: 'integer',
    default: undefined,
    defaultText: 'most of them',
    min: 1,
    max: 9,
    about: 'Needed for acks=all.',
    aliases: ['minIsr'],
  },
  logLevel: {
    type: 'choice',
    default: 'info',
    choices: ['info', 'warn'],
    about: 'How much to say.',
  },
  quiet: { type: 'boolean', default: false, about: 'Say little.' },
  hidden: { type: 'text', default: undefined, secret: true, about: 'A password.' },
  mask: { type: 'integer', default: 1, min: 0, max: 255, hexadecimal: true, about: 'Bits.' },
  'server.N': { type: 'numbered', min: 1, max: 255, example: 'h:2888:3888', about: 'Server N.' },
  'autopurge.*': { type: 'ignored', why: 'nothing is purged by time' },
  'ssl.*': { type: 'refused', why: 'there is no TLS', unless: ['off', 'no'] },
} as const satisfies OptionRows

const program = {
  name: 'testd',
  about: 'A test.',
  environmentPrefix: 'TD_',
  namePrefix: 'test.',
  rows,
}

/** Reads options and throws if they print something instead. */
function options(argv: readonly string[], environment: Record<string, string> = {}) {
  const read = readOptions(program, argv, environment)
  if (read.type === 'print') throw new Error(String(read.text))
  return read
}

t.test('without anything given, every default is there', async (t) => {
  t.same(options([]).values, {
    tickTime: 2000,
    dataDir: undefined,
    'min.insync.replicas': undefined,
    logLevel: 'info',
    quiet: false,
    hidden: undefined,
    mask: 1,
    'server.N': new Map(),
  })
})

t.test('the environment wins over the file, a flag over both', async (t) => {
  const file = join(t.testdir({ 'a.cfg': 'tickTime=300\ndataDir=/file\nquiet=yes\n' }), 'a.cfg')
  const environment = { TD_TICK_TIME: '400', TD_DATA_DIR: '/environment', TD_CONFIG: file }
  const { values, given } = options(['--tick-time', '500'], environment)
  t.equal(values.tickTime, 500)
  t.equal(values.dataDir, '/environment')
  t.equal(values.quiet, true)
  t.equal(given('quiet'), true)
  t.equal(given('logLevel'), false)
})

const spellings: readonly (readonly [string[], Record<string, string>])[] = [
  [['--min-insync-replicas', '3'], {}],
  [['--min-insync-replicas=3'], {}],
  [['--min.insync.replicas=3'], {}],
  [['--minIsr=3'], {}],
  [['--min-isr=3'], {}],
  [['--test.min.insync.replicas=3'], {}],
  [['--test.minIsr', '3'], {}],
  [[], { TD_MIN_INSYNC_REPLICAS: '3' }],
  [[], { TD_MIN_ISR: '3' }],
]
for (const [argv, environment] of spellings) {
  t.test(`one option, spelled ${argv} ${Object.keys(environment)}`, async (t) => {
    t.equal(options(argv, environment).values['min.insync.replicas'], 3)
  })
}

t.test('numbered options come from all sources, sorted by number', async (t) => {
  const file = join(t.testdir({ 'a.cfg': 'server.10=c:1:2\nserver.2=b:1:2\n' }), 'a.cfg')
  const { values } = options(['--server.1=a:1:2', '--config', file], { TD_SERVER_2: 'z:1:2' })
  t.same(
    [...values['server.N']],
    [
      [1, 'a:1:2'],
      [2, 'z:1:2'],
      [10, 'c:1:2'],
    ],
  )
})

t.test('where it is allowed, a number may be hexadecimal', async (t) => {
  t.equal(options(['--mask=0xfF']).values.mask, 255)
  t.equal(options(['--mask=10']).values.mask, 10)
  t.throws(() => options(['--mask=0x100']), /0 to 255/)
})

t.test('a flag that is only named says yes, and does not take the next one', async (t) => {
  t.equal(options(['--quiet', '--tick-time', '100']).values.quiet, true)
  t.equal(options(['--quiet=false']).values.quiet, false)
})

t.test('what is known elsewhere is accepted with a warning, or refused', async (t) => {
  const { warnings } = options(['--autopurge.purgeInterval=1'], { TD_OTHER: '1' })
  t.match(warnings, [/TD_OTHER/, /autopurge.purgeInterval.*nothing is purged/])
  t.throws(() => options(['--ssl.keyStore=x']), {
    name: 'OptionError',
    message: /ssl.keyStore from the command line: there is no TLS; off or no is accepted/,
  })
  t.same(options(['--ssl.quorum=off', '--test.ssl.quorum=no']).warnings, [])
})

const refusals = [
  {
    name: 'a number below its bound',
    argv: ['--tick-time=99'],
    says: ['tick-time=99', '100 to 60000'],
  },
  { name: 'a number above its bound', argv: ['--tickTime=60001'], says: ['tickTime=60001'] },
  { name: 'words for a number', argv: ['--tick-time=often'], says: ['often', 'whole number'] },
  { name: 'hexadecimal', argv: ['--tick-time=0x100'], says: ['whole number'] },
  { name: 'a number left out', argv: ['--tick-time'], says: ['whole number'] },
  { name: 'an empty text', argv: ['--data-dir='], says: ['must not be empty'] },
  { name: 'no choice of ours', argv: ['--log-level=loud'], says: ['loud', 'info, warn'] },
  { name: 'neither yes nor no', argv: ['--quiet=perhaps'], says: ['true or false'] },
  { name: 'an unknown flag', argv: ['--tick'], says: ['tick', 'did you mean tickTime?'] },
  { name: 'one like no other', argv: ['--colour=red'], says: ['colour', 'testd --help'] },
  { name: 'a secret', argv: ['--hidden='], says: ['hidden from the command line: it must not'] },
  { name: 'a number out of range', argv: ['--server.256=h:1:2'], says: ['server.256'] },
  { name: 'a stray word', argv: ['start'], says: ["'start'"] },
  { name: 'a file that is not there', argv: ['-c', '/nowhere/a.cfg'], says: ['/nowhere/a.cfg'] },
]
for (const { name, argv, says } of refusals) {
  t.test(`refused: ${name}`, async (t) => {
    const error = t.throws(() => options(argv)) as unknown as Error
    t.ok(error instanceof OptionError)
    for (const part of says) t.ok(error.message.includes(part), `${error.message}: ${part}`)
  })
}

t.test('a bad line is named by file and line', async (t) => {
  const cases = [
    { text: '# c\ntickTime=5\n', line: 2, says: 'tickTime=5' },
    { text: 'tickTmie=300\n', line: 1, says: 'did you mean tickTime?' },
    { text: 'tickTime=300\ntest.tickTime=300\n', line: 2, says: 'it is already set in line 1' },
    { text: 'tickTime=300\n\ntickTime=300\n', line: 3, says: 'it is already set in line 1' },
    { text: 'minIsr=2\nmin.insync.replicas=3\n', line: 2, says: 'it is already set in line 1' },
  ]
  const file = join(t.testdir(), 'a.cfg')
  for (const { text, line, says } of cases) {
    writeFileSync(file, text)
    const error = t.throws(() => options(['--config', file])) as unknown as Error
    t.ok(error.message.includes(`${file}:${line}`), error.message)
    t.ok(error.message.includes(says), error.message)
  }
})

t.test('refuse names the option as the user spelled it, and its source', async (t) => {
  const read = options(['--tick-time=300', '--server.3=x'])
  t.throws(() => read.refuse('tickTime', 'too odd'), /tick-time=300 from the command line: too odd/)
  t.throws(() => read.refuse('server.N', 'no port', 3), /server.3=x .*no port/)
  t.throws(() => read.refuse('logLevel', 'too loud'), /logLevel=info, its default: too loud/)
})

t.test('--help names every option with its bounds and default', async (t) => {
  for (const flag of ['--help', '-h']) {
    const read = readOptions(program, [flag], {})
    const text = read.type === 'print' ? await read.text : ''
    for (const word of [
      '--tick-time',
      '100 to 60000',
      'default 2000',
      '--server.N',
      'TD_DATA_DIR',
    ]) {
      t.ok(text.includes(word), word)
    }
    t.match(text, /^ +-c, --config /m)
    t.match(text, /^ +-h, --help /m)
    t.notOk(text.includes('autopurge'))
  }
})

t.test('--version prints it alone', async (t) => {
  t.match(readOptions(program, ['--version'], {}), { type: 'print', text: /^\d+\.\d+\.\d+\n$/ })
})

t.test('the sample file reads back as the defaults, and has every option', async (t) => {
  const read = readOptions(program, ['--sample-config'], {})
  const text = read.type === 'print' ? await read.text : ''
  const file = join(t.testdir({ 'a.cfg': text }), 'a.cfg')
  t.same(options(['--config', file]).values, options([]).values)
  const all = text.replace(/^#(?=\S+=)/gm, '').replace('dataDir=', 'dataDir=/d')
  const given = all.replace('min.insync.replicas=', 'min.insync.replicas=2')
  writeFileSync(file, given.replace('hidden=', 'hidden=x'))
  const { values } = options(['--config', file])
  t.equal(values['min.insync.replicas'], 2)
  t.equal(values['server.N'].get(1), 'h:2888:3888')
})
