// Files that hold a secret, and that other users may not read: passwords, and the secret of a cluster
// or an ensemble, the same on each machine. That of the brokers is made by the first program that misses
// it. Each daemon reads it once, at start.

import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { RefusedStartError } from './refused-start.ts'

const secretBytesMin = 16
const secretBytesMax = 4096

/** Access for others, and writing for the group. */
const forbiddenMode = 0o027

export interface SecretFile {
  readonly path: string
  /** the option that names it, as the user gave it */
  readonly quoted: string
  readonly randomBytes: (count: number) => Uint8Array
}

/**
 * Reads the secret; makes it first if there is no such file.
 *
 * @throws RefusedStartError for a file that cannot be read or made, is open to other users, or holds
 *   fewer than 16 bytes
 */
export function readSecretFile({ path, quoted, randomBytes }: SecretFile): Buffer {
  try {
    return read(path) ?? made(path, randomBytes)
  } catch (error) {
    throw cannotUse(quoted, error as Error)
  }
}

/** The same, but the file has to be there. */
export function readGivenSecretFile({ path, quoted }: Omit<SecretFile, 'randomBytes'>): Buffer {
  try {
    const secret = read(path)
    if (secret !== undefined) return secret
    throw new Error(`there is no ${path}: make it with zw secret, and copy it to every machine`)
  } catch (error) {
    throw cannotUse(quoted, error as Error)
  }
}

function cannotUse(quoted: string, cause: Error): RefusedStartError {
  return new RefusedStartError(`Cannot use ${quoted} as the secret: ${cause.message}`, { cause })
}

/**
 * Reads a file with a password. A line feed that an editor appended is not part of it.
 *
 * @throws Error what the file system throws; or that the file is open to other users, or too large
 */
export function readPasswordFile(path: string): string {
  return readPrivate(path)
    .toString('utf8')
    .replace(/\r?\n$/, '')
}

/** Whether a file would be refused as open to other users; false if its mode cannot be told. */
export function isOpenToOthers(path: string): boolean {
  try {
    return (statSync(path).mode & forbiddenMode) !== 0
  } catch {
    return false
  }
}

/** @returns undefined if there is none */
function read(path: string): Buffer | undefined {
  let secret: Buffer
  try {
    secret = trimmed(readPrivate(path))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  if (secret.length >= secretBytesMin) return secret
  const wanted = `at least ${secretBytesMin} are needed, the same on every machine`
  throw new Error(`${path} holds ${secret.length} bytes: ${wanted}`)
}

function readPrivate(path: string): Buffer {
  const file = openSync(path, 'r')
  try {
    const { mode, size } = fstatSync(file)
    if ((mode & forbiddenMode) !== 0) {
      throw new Error(`${path} is open to other users: chmod 600 it, and replace what it held`)
    }
    if (size > secretBytesMax) throw new Error(`${path} holds ${size} bytes: it is not a secret`)
    return readFileSync(file)
  } finally {
    closeSync(file)
  }
}

/** Written aside and linked, so that a program that starts at the same time reads all of it or makes it. */
function made(path: string, randomBytes: SecretFile['randomBytes']): Buffer {
  const aside = `${path}.${process.pid}.new`
  const file = openSync(aside, 'wx', 0o600)
  try {
    writeSync(file, `${Buffer.from(randomBytes(32)).toString('base64url')}\n`)
    fsyncSync(file)
    linkSync(aside, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    closeSync(file)
    unlinkSync(aside)
  }
  const secret = read(path)
  if (secret === undefined) throw new Error(`${path} was removed as soon as it was made`)
  return secret
}

/** The same on each machine, whatever its editor puts around it. */
function trimmed(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').trim(), 'latin1')
}
