// A logger whose lines a test reads.

import type { Logger } from '../src/logger.ts'

export interface Said {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: Record<string, unknown>
  readonly message: string
}

export class RecordingLogger implements Logger {
  readonly lines: Said[] = []

  /** Messages of this level. */
  said(level: Said['level']): readonly string[] {
    return this.lines.filter((line) => line.level === level).map(({ message }) => message)
  }

  child(): Logger {
    return this
  }

  debug(fields: Record<string, unknown>, message: string): void {
    this.lines.push({ level: 'debug', fields, message })
  }

  info(fields: Record<string, unknown>, message: string): void {
    this.lines.push({ level: 'info', fields, message })
  }

  warn(fields: Record<string, unknown>, message: string): void {
    this.lines.push({ level: 'warn', fields, message })
  }

  error(fields: Record<string, unknown>, message: string): void {
    this.lines.push({ level: 'error', fields, message })
  }
}
