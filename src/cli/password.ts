// Passwords for commands: from a file, from a terminal without an echo, or from standard input. Never
// from a flag: every user of the machine could read it in the list of processes.

import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { BadUsage } from './cli-command.ts'

const [interrupt, endOfInput, backspace, erase] = ['\x03', '\x04', '\b', '\x7f']

/** @param file '-' or undefined: the terminal, or standard input. @throws BadUsage, what the file system throws */
export async function readPassword(file: string | undefined): Promise<string> {
  const isAsked = file === undefined || file === '-'
  return checked(isAsked ? await readInput() : readFileSync(file, 'utf8'))
}

/** The same of a command whose standard input is something else. @throws BadUsage */
export function passwordIn(file: string): string {
  try {
    return checked(readFileSync(file, 'utf8'))
  } catch (error) {
    if (error instanceof BadUsage) throw error
    throw new BadUsage(`Cannot use --password-file ${file}: ${(error as Error).message}`)
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
