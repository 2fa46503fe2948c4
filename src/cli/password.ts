// Passwords for commands: from a file, from a terminal without an echo, or from standard input. Never
// from a flag: every user of the machine could read it in the list of processes.

import { text } from 'node:stream/consumers'
import { readPasswordFile } from '../secret-file.ts'
import { BadUsage } from './cli-command.ts'

const [interrupt, endOfInput, backspace, erase] = ['\x03', '\x04', '\b', '\x7f']

/** @param file '-' or undefined: the terminal, or standard input. @throws BadUsage */
export async function readPassword(file: string | undefined): Promise<string> {
  return file === undefined || file === '-' ? checked(await readInput()) : passwordIn(file)
}

/** The same of a command whose standard input is something else. @throws BadUsage */
export function passwordIn(file: string): string {
  return checked(readOptionFile(file, '--password-file'))
}

/** The password that an option names the file of. @throws BadUsage if others may read the file */
export function readOptionFile(file: string, option: string): string {
  try {
    return readPasswordFile(file)
  } catch (error) {
    throw new BadUsage(`Cannot use ${option}: ${(error as Error).message}`)
  }
}

function checked(given: string): string {
  const password = given.replace(/\r?\n$/, '')
  if (/[\r\n\0]/.test(password)) throw new BadUsage('Cannot use the password: it has several lines')
  if (password === '') throw new BadUsage('Cannot use the password: it is empty')
  return password
}

async function readInput(): Promise<string> {
  if (process.stdin.isTTY !== true) return await text(process.stdin)
  const password = await askTerminal('Password: ')
  if ((await askTerminal('The same again: ')) === password) return password
  throw new BadUsage('Cannot use the password: the two differ')
}

function askTerminal(question: string): Promise<string> {
  const { stdin, stderr } = process
  stderr.write(question)
  stdin.setRawMode(true).setEncoding('utf8').resume()
  return new Promise((resolve, reject) => {
    let typed = ''
    const finish = (settle: () => void) => {
      stdin.off('data', take).setRawMode(false).pause()
      stderr.write('\n')
      settle()
    }
    const take = (keys: string) => {
      for (const key of keys) {
        if (key === '\r' || key === '\n' || key === endOfInput) {
          finish(() => resolve(typed))
          return
        }
        if (key === interrupt) {
          finish(() => reject(new BadUsage('Cannot go on: interrupted')))
          return
        }
        typed = key === backspace || key === erase ? typed.slice(0, -1) : typed + key
      }
    }
    stdin.on('data', take)
  })
}
