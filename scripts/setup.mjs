// Makes `npm start` and `npm test` work as the first command after a clone, and cheap afterwards.
//
//   node scripts/setup.mjs program          dependencies installed, dist/ built
//   node scripts/setup.mjs program tests    and tap's own build done
//   node scripts/setup.mjs hook             called by npm after it changed node_modules: does the
//                                           remaining steps, as far as possible
//
// The hook is npm's script `dependencies`, not `prepare`, so that installing the packed program
// runs no scripts.
//
// Each step checks contents, never times, and leaves its mark last: an interrupted run is repeated.
// Plain JavaScript without dependencies, since it runs before any are installed.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const nodeMajorMin = 20

/**
 * @typedef {object} Step
 * @property {string} does for the line that says so
 * @property {() => boolean} needed
 * @property {() => void} run
 */

const root = fileURLToPath(new URL('..', import.meta.url))

/** @param {string[]} names */
function at(...names) {
  return join(root, ...names)
}

// --- the steps -----------------------------------------------------------------------------------

/** @type {Step} */
const install = {
  does: 'Installing the dependencies that package-lock.json names',
  needed: () => !installedAsLocked(),
  run() {
    command('npm', ['ci', '--include=dev', '--no-audit', '--no-fund'])
  },
}

/**
 * npm keeps what it installed in a lock file of the same shape, written at the end of a whole
 * installation. Optional packages are those of other platforms, except for our own, which the tests
 * need.
 */
function installedAsLocked() {
  const wanted = lockedPackages(at('package-lock.json'))
  const found = lockedPackages(at('node_modules', '.package-lock.json'))
  if (wanted === undefined || found === undefined) return false
  const ours = wanted['']?.optionalDependencies ?? {}
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    if (path === '') return true
    const there = found[path]
    if (there === undefined) return optional === true && !(path.slice(modulesLength) in ours)
    return there.version === version && there.integrity === integrity
  })
}

const modulesLength = 'node_modules/'.length

/**
 * @typedef {object} LockedPackage
 * @property {string} [version]
 * @property {string} [integrity]
 * @property {boolean} [optional]
 * @property {Record<string, string>} [optionalDependencies]
 */

/**
 * @param {string} file
 * @returns {Record<string, LockedPackage> | undefined}
 */
function lockedPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch {
    return undefined
  }
}

/** @type {Step} */
const buildTap = {
  does: 'Building the test runner with the plugins that .taprc names',
  needed: () => mark(tapMark) !== tapInputs() || !existsSync(at('.tap', 'plugins')),
  run() {
    command(at('node_modules', '.bin', 'tap'), ['build'])
    writeFileSync(tapMark, tapInputs())
  },
}

/** In a directory that an installation replaces: afterwards the step is due again. */
const tapMark = at('node_modules', '@tapjs', 'test', 'test-built', '.built-from')

function tapInputs() {
  return hash([root, readFileSync(at('.taprc')), readFileSync(at('package-lock.json'))])
}

/** @type {Step} */
const buildProgram = {
  does: 'Building dist/',
  needed: () => mark(at('dist', '.built-from')) !== programInputs(),
  run() {
    // Built aside and then renamed: a program running from dist/ never sees half of it.
    const inputs = programInputs()
    rmSync(at('dist.new'), { recursive: true, force: true })
    command(process.execPath, [
      at('node_modules', 'typescript', 'bin', 'tsc'),
      '-p',
      'tsconfig.build.json',
      '--outDir',
      'dist.new',
    ])
    for (const file of Object.values(manifest().bin)) {
      const built = at(file.replace('dist/', 'dist.new/'))
      if (existsSync(built)) chmodSync(built, 0o755)
    }
    writeFileSync(at('dist.new', '.built-from'), inputs)
    rmSync(at('dist'), { recursive: true, force: true })
    renameSync(at('dist.new'), at('dist'))
  },
}

/** @returns {{ bin: Record<string, string> }} */
function manifest() {
  return JSON.parse(readFileSync(at('package.json'), 'utf8'))
}

function programInputs() {
  const configurations = ['package.json', 'tsconfig.json', 'tsconfig.build.json']
  const sources = readdirSync(at('src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => at('src', name))
    .sort()
  const compiler = lockedPackages(at('package-lock.json'))?.['node_modules/typescript']?.version
  const files = [...configurations.map((name) => at(name)), ...sources]
  return hash([compiler ?? '', ...files.flatMap((file) => [file, readFileSync(file)])])
}

// --- doing them ----------------------------------------------------------------------------------

/** @param {readonly Step[]} steps */
function perform(steps) {
  if (!steps.some((step) => step.needed())) return
  // Two commands in a fresh clone, such as `npm start` and `npm test`, take turns.
  const unlock = lock()
  try {
    for (const step of steps) {
      if (!step.needed()) continue
      say(`${step.does} …`)
      step.run()
    }
  } finally {
    unlock()
  }
}

/** Longer than any setup takes: the holder's process id has been reused by then. */
const lockAgeMsMax = 20 * 60 * 1000

/** @param {string} file */
function ageMs(file) {
  return Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
}

/** Outside the clone: an installation replaces node_modules, a build replaces dist. */
function lock() {
  const file = join(tmpdir(), `zooweeper-setup-${hash([root]).slice(0, 16)}.pid`)
  let waited = false
  while (!create(file)) {
    const holder = Number(mark(file))
    if (holder > 0 && (!isAlive(holder) || ageMs(file) > lockAgeMsMax)) {
      rmSync(file, { force: true })
      continue
    }
    if (!waited) say(`Waiting for another setup of this directory (process ${holder}) …`)
    waited = true
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
  }
  return () => rmSync(file, { force: true })
}

/** @param {string} file */
function create(file) {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false
    throw error
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM'
  }
}

/**
 * Runs it with its output on our stderr; ends this process when it fails.
 *
 * @param {string} file
 * @param {readonly string[]} args
 */
function command(file, args) {
  const environment = { ...process.env, [insideVariable]: '1' }
  const { status, error } = spawnSync(file, args, {
    cwd: root,
    env: environment,
    stdio: ['ignore', 2, 2],
  })
  if (status === 0) return
  throw new SetupError(
    `Cannot continue: ${file} ${args.join(' ')} ${error ?? `ended with ${status}`}`,
  )
}

/** Set while we run npm, so that its hook does nothing. */
const insideVariable = 'ZOOWEEPER_SETUP'

class SetupError extends Error {}

/** @param {string} file */
function mark(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

/** @param {readonly (string | Buffer)[]} parts */
function hash(parts) {
  const sum = createHash('sha256')
  for (const part of parts) sum.update(`${part.length}:`).update(part)
  return sum.digest('hex')
}

/** @param {string} text */
function say(text) {
  process.stderr.write(`${text}\n`)
}

/** @param {readonly string[]} targets */
function main(targets) {
  if (Number(process.versions.node.split('.')[0]) < nodeMajorMin) {
    throw new SetupError(
      `ZooWeeper needs Node.js ${nodeMajorMin} or newer: this is ${process.version}`,
    )
  }
  if (targets.includes('hook')) {
    if (process.env[insideVariable] !== undefined) return
    // Installed without development dependencies: there is no compiler, and nothing to do.
    if (existsSync(at('node_modules', 'tap'))) perform([buildTap])
    if (existsSync(at('node_modules', 'typescript'))) perform([buildProgram])
    return
  }
  perform([install, ...(targets.includes('tests') ? [buildTap] : []), buildProgram])
}

try {
  main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  say(error.message)
  process.exit(1)
}
