// Writes records to a file: as lines of JSON, the same that `zw consume -J` writes, or only their values, each
// with a line feed, as `zw consume` writes them to a file. A file that exists is replaced only when the
// user says so, and then as a whole: until the new one is complete, it stays.

import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { recordFormatter, recordJson } from '../record-text.ts'
import type { Exported, ExportFormat, ExportRequest } from './export-form.ts'
import { isSystemError } from './outer-errors.ts'
import type { ShownRecord } from './shown-record.ts'

/** The screen is drawn, and keys are taken, in between. */
const recordsPerWrite = 200

/** @throws no error of the file system: those are outcomes */
export async function exportRecords(request: ExportRequest): Promise<Exported> {
  const path = resolve(request.path.replace(/^~(?=\/)/, homedir()))
  try {
    return request.mayReplace ? await replaced(path, request) : await created(path, request)
  } catch (error) {
    if (!isSystemError(error)) throw error
    if (error.code === 'EEXIST' && !request.mayReplace) return { type: 'exists', path }
    const found = reasons[error.code] ?? error.message
    return { type: 'failed', message: `Cannot write ${path}: ${found}` }
  }
}

async function created(path: string, request: ExportRequest): Promise<Exported> {
  return await written({ path, shown: path }, request)
}

async function replaced(path: string, request: ExportRequest): Promise<Exported> {
  // A link stays one.
  const target = await realpath(path).catch((error: unknown) => {
    if (isSystemError(error) && error.code === 'ENOENT') return path
    throw error
  })
  const found = await stat(target).catch(() => undefined)
  if (found !== undefined && !found.isFile()) {
    const what = found.isDirectory() ? 'it is a directory' : 'it is not a regular file'
    return { type: 'failed', message: `Cannot replace ${path}: ${what}` }
  }
  const aside = `${target}.${process.pid}.part`
  const outcome = await written({ path: aside, shown: path }, request)
  try {
    await rename(aside, target)
  } catch (error) {
    await rm(aside, { force: true })
    throw error
  }
  return outcome
}

/** A new file; none is left when it cannot be completed. */
async function written(
  { path, shown }: { readonly path: string; readonly shown: string },
  { topic, records, format }: ExportRequest,
): Promise<Exported> {
  const file = await open(path, 'wx')
  try {
    const bytes = await writeAll(file, records, lineWriter(topic, format))
    await file.close()
    return { type: 'written', path: shown, count: records.length, bytes }
  } catch (error) {
    await file.close().catch(() => undefined)
    await rm(path, { force: true })
    throw error
  }
}

async function writeAll(
  file: FileHandle,
  records: readonly ShownRecord[],
  lineOf: (record: ShownRecord) => Buffer,
): Promise<number> {
  let bytes = 0
  for (let at = 0; at < records.length; at += recordsPerWrite) {
    const lines = Buffer.concat(records.slice(at, at + recordsPerWrite).map(lineOf))
    // Writes all of it, where `write` may write less.
    await file.appendFile(lines)
    bytes += lines.length
  }
  return bytes
}

function lineWriter(topic: string, format: ExportFormat): (record: ShownRecord) => Buffer {
  switch (format) {
    case 'json':
      return (record) => {
        const isAppendTime = record.batch?.isAppendTime ?? false
        return Buffer.from(`${recordJson({ ...record, topic, batch: { isAppendTime } })}\n`)
      }
    case 'values': {
      const formatter = recordFormatter('%s\\n', { escapes: false, nullText: '' })
      return (record) => formatter({ ...record, topic })
    }
  }
}

/** In words, where the system's are for programmers. */
const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'its directory does not exist',
  ENOTDIR: 'a part of its path is no directory',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a directory',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the disk quota is used up',
  ENAMETOOLONG: 'the name is too long',
}
