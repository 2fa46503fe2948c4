// Server processes under measurement: started, observed from outside, stopped.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import net from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Address } from '../src/address.ts'

const stopMs = 10_000

/** Kernel ticks per second in /proc, on every Linux. */
const clockTicks = 100

/** They do not outlive this process, unless that is killed. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

/** A child whose standard output and error are appended to a file. */
export function run(command: string, args: readonly string[], log: string): ChildProcess {
  const file = openSync(log, 'a')
  const child = spawn(command, args, { stdio: ['ignore', file, file] })
  closeSync(file)
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

/**
 * Writes to the disk what is still to be written of all files beside `directory`: what one system left
 * behind would slow the next one down.
 */
export function settleDisk(directory: string): void {
  execFileSync('sync', ['--file-system', directory])
}

/** User and system time of all of them so far; undefined without /proc. */
export function cpuMicrosOf(children: readonly ChildProcess[]): number | undefined {
  return allKnown(children.map(({ pid }) => cpuMicros(pid)))?.reduce((sum, one) => sum + one, 0)
}

/** Resident memory of each, in MiB; undefined without /proc. */
export function memoryMiBOf(children: readonly ChildProcess[]): readonly number[] | undefined {
  return allKnown(children.map(({ pid }) => residentMiB(pid)))
}

/** Descriptors that each has open; undefined without /proc. */
export function openFilesOf(children: readonly ChildProcess[]): readonly number[] | undefined {
  return allKnown(children.map(({ pid }) => openFiles(pid)))
}

function allKnown(values: readonly (number | undefined)[]): readonly number[] | undefined {
  const known = values.filter((value) => value !== undefined)
  return known.length === values.length ? known : undefined
}

/**
 * Time on a processor so far, of all threads of a process and of its main one, as the scheduler counts
 * it: to the nanosecond, where /proc/PID/stat counts ticks of 10 ms. Undefined without /proc.
 */
export function threadMicrosOf({
  pid,
}: ChildProcess): { readonly all: number; readonly main: number } | undefined {
  try {
    const micros = readdirSync(`/proc/${pid}/task`).map((thread) => {
      const [nanoseconds] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')
      return { isMain: thread === String(pid), micros: Number(nanoseconds) / 1000 }
    })
    const sum = (threads: typeof micros) => threads.reduce((total, one) => total + one.micros, 0)
    return { all: sum(micros), main: sum(micros.filter(({ isMain }) => isMain)) }
  } catch {
    return undefined
  }
}

function cpuMicros(pid: number | undefined): number | undefined {
  try {
    // The name in parentheses may contain anything; utime and stime are fields 14 and 15.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
    return ((Number(fields[11]) + Number(fields[12])) * 1e6) / clockTicks
  } catch {
    return undefined
  }
}

function residentMiB(pid: number | undefined): number | undefined {
  try {
    const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kibibytes === undefined ? undefined : Number(kibibytes) / 1024
  } catch {
    return undefined
  }
}

function openFiles(pid: number | undefined): number | undefined {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch {
    return undefined
  }
}

/** Tries until the attempt succeeds. @throws Error if the process ends first, or it takes too long */
export async function untilServing(
  server: { readonly process: ChildProcess; readonly log: string },
  attempt: () => Promise<void>,
  { patienceMs = 60_000, pauseMs = 20 }: { patienceMs?: number; pauseMs?: number } = {},
): Promise<void> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    try {
      await attempt()
      return
    } catch (cause) {
      if (server.process.exitCode !== null || performance.now() > deadline) {
        const said = readFileSync(server.log, 'utf8').slice(-2000)
        throw new Error(`A server does not serve; its output: ${said}`, { cause })
      }
      await delay(pauseMs)
    }
  }
}

/** SIGTERM, then SIGKILL after a time-out. */
export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), stopMs)
  await ended
  clearTimeout(timer)
}

/** All are held at once, so they differ; later another process could take one. */
export async function freePorts(count: number): Promise<number[]> {
  const listeners: net.Server[] = []
  while (listeners.length < count) {
    const listener = await listen(randomInt(portRange.from, portRange.to))
    if (listener !== undefined) listeners.push(listener)
  }
  const ports = listeners.map((listener) => (listener.address() as net.AddressInfo).port)
  await Promise.all(
    listeners.map((listener) => new Promise((resolve) => listener.close(() => resolve(undefined)))),
  )
  return ports
}

/**
 * Below Linux's ephemeral ports, which outgoing connections get: such a port may be taken at any
 * moment, and a connection attempted before anything listens there may get that very port, connect
 * to itself, and keep it for ever.
 */
const portRange = { from: 10_000, to: 32_768 } as const

/** @returns undefined if the port is in use */
async function listen(port: number): Promise<net.Server | undefined> {
  const listener = net.createServer()
  listener.listen(port, '127.0.0.1')
  try {
    await once(listener, 'listening')
    return listener
  } catch {
    return undefined
  }
}

/** @throws if no answer arrives in time: a starting ZooKeeper may accept a word and lose it */
export async function fourLetterWord(
  { host, port }: Address,
  word: string,
  answerMs = 5000,
): Promise<string> {
  const socket = net.connect({ host, port })
  socket.setTimeout(answerMs, () => {
    socket.destroy(new Error(`${host}:${port} did not answer ${word} within ${answerMs} ms`))
  })
  socket.write(word)
  let answer = ''
  for await (const chunk of socket) answer += String(chunk)
  return answer
}
