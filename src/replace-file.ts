// Replaces a file of the operator as a whole: a crash leaves the old or the new one. Permissions and
// owner stay as they are, since such a file may hold secrets, or be read by other programs.

import { constants } from 'node:fs'
import { chmod, chown, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * @param options `like`: a file whose permissions and owner a new one takes over
 * @throws what the file system throws
 */
export async function replaceFile(
  path: string,
  text: string,
  { like }: { readonly like: string },
): Promise<void> {
  const target = (await existing(() => realpath(path))) ?? path
  const { mode, uid, gid } = (await existing(() => stat(target))) ?? (await stat(like))
  // Several servers of one machine may share a file.
  const aside = `${target}.${process.pid}.new`
  const flags = constants.O_CREAT | constants.O_WRONLY | constants.O_TRUNC | constants.O_NOFOLLOW
  try {
    const file = await open(aside, flags, 0o600)
    try {
      await file.writeFile(text)
      await ownedBy(aside, { uid, gid })
      await chmod(aside, mode & 0o777)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(aside, target)
  } catch (error) {
    await rm(aside, { force: true })
    throw error
  }
  const directory = await open(dirname(target))
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

/** Only root may give a file away: to others, it is theirs from now on. */
async function ownedBy(
  path: string,
  { uid, gid }: { readonly uid: number; readonly gid: number },
): Promise<void> {
  try {
    await chown(path, uid, gid)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error
  }
}

async function existing<Value>(look: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await look()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
