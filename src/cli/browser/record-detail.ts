// One record in full: everything that is known about it, its headers, and its value as text, as JSON
// or as bytes. Pure. A large value is shown from its start, and its lines are made once.

import { isUtf8 } from 'node:buffer'
import { asBuffer } from '../../as-buffer.ts'
import { limits } from '../../limits.ts'
import { printableBytes } from '../../printable.ts'
import { prettyJson } from './pretty-json.ts'
import type { ShownRecord } from './shown-record.ts'

export const valueForms = ['text', 'json', 'hex'] as const
export type ValueForm = (typeof valueForms)[number]

/** A fact about the record: `label` is '' where it goes on. */
export interface DetailLine {
  readonly label: string
  readonly text: string
}

/** The forms that show this value: JSON only if it is JSON. */
export function formsOf(record: ShownRecord): readonly ValueForm[] {
  return valueForms.filter((form) => form !== 'json' || jsonOf(record) !== undefined)
}

/** The most readable form: JSON for an object or a list, hex for bytes that are not text. */
export function bestForm(record: ShownRecord): ValueForm {
  const { value } = record
  if (value === null) return 'text'
  const start = asBuffer(value).toString('utf8', 0, limits.browserDetailBytesMax)
  if (/^\s*[[{]/.test(start) && jsonOf(record) !== undefined) return 'json'
  const isText = isUtf8(value) && !start.includes('\0')
  return isText ? 'text' : 'hex'
}

function jsonOf({ value }: ShownRecord): string | undefined {
  if (value === null || value.length > limits.browserDetailBytesMax) return undefined
  return prettyJson(asBuffer(value).toString('utf8'))
}

/**
 * The lines of the value, each of any width.
 *
 * @param hexColumns room for a line of bytes
 */
export function detailBody(
  record: ShownRecord,
  form: ValueForm,
  hexColumns: number,
): readonly string[] {
  const { value } = record
  if (value === null) return ['null: a tombstone, which deletes its key']
  if (value.length === 0) return ['empty']
  const pretty = form === 'json' ? jsonOf(record) : undefined
  if (pretty !== undefined) return pretty.split('\n')
  const shown = value.subarray(0, limits.browserDetailBytesMax)
  const rest = value.length - shown.length
  const more = rest === 0 ? [] : [`… ${rest.toLocaleString('en')} more bytes`]
  const lines = form === 'hex' ? hexLines(shown, hexColumns) : printableBytes(shown).split('\n')
  return [...lines, ...more]
}

/** `00000010  48 65 6c 6c 6f 20 77 6f  72 6c 64 0a              |Hello world.|` */
export function hexLines(bytes: Uint8Array, width: number): string[] {
  const perLine = width >= 78 ? 16 : width >= 44 ? 8 : 4
  const lines: string[] = []
  for (let at = 0; at < bytes.length; at += perLine) {
    const slice = [...bytes.subarray(at, at + perLine)]
    const cells = slice.map(
      (byte, i) => `${i === 8 ? ' ' : ''}${byte.toString(16).padStart(2, '0')}`,
    )
    const cellsWidth = perLine * 3 - 1 + (perLine > 8 ? 1 : 0)
    const text = slice.map((byte) =>
      byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.',
    )
    const hex = cells.join(' ').padEnd(cellsWidth)
    lines.push(`${at.toString(16).padStart(8, '0')}  ${hex}  |${text.join('')}|`)
  }
  return lines
}

/** Where and when, how large, and the headers. */
export function detailFacts(record: ShownRecord): DetailLine[] {
  const { partition, offset, timestampMs, key, value, headers, batch } = record
  const clock = batch === undefined ? '' : batch.isAppendTime ? ', append time' : ', create time'
  return [
    { label: 'place', text: `partition ${partition}, offset ${offset}` },
    { label: 'time', text: `${localTime(timestampMs)} (${timestampMs}${clock})` },
    { label: 'size', text: `key ${bytesText(key)}, value ${bytesText(value)}` },
    ...(batch === undefined ? [] : [{ label: 'batch', text: batchText(batch) }]),
    { label: 'key', text: key === null ? 'null' : printableBytes(key) },
    ...headers.map((header, i) => ({
      label: i === 0 ? 'headers' : '',
      text: `${header.key} = ${header.value === null ? 'null' : printableBytes(header.value)}`,
    })),
  ]
}

function bytesText(bytes: Uint8Array | null): string {
  return bytes === null ? 'null' : `${bytes.length.toLocaleString('en')} B`
}

function batchText(batch: NonNullable<ShownRecord['batch']>): string {
  const { baseOffset, lastOffset, recordCount, sizeBytes, codec, producerId } = batch
  const producer = producerId < 0 ? '' : `, producer ${producerId}`
  const records = `${recordCount} ${recordCount === 1 ? 'record' : 'records'}`
  return `${baseOffset}–${lastOffset}, ${records}, ${sizeBytes.toLocaleString('en')} B, codec ${codec}${producer}`
}

/** `2026-11-28 21:04:59.123`, in the local time zone. */
export function localTime(wallMs: number): string {
  const date = new Date(wallMs)
  if (Number.isNaN(date.getTime())) return 'no date'
  const two = (part: number) => String(part).padStart(2, '0')
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-')
  return `${day} ${clockTime(wallMs)}`
}

/** `21:04:59.123`, in the local time zone. */
export function clockTime(wallMs: number): string {
  const date = new Date(wallMs)
  if (Number.isNaN(date.getTime())) return 'no date'
  const two = (part: number) => String(part).padStart(2, '0')
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')
  return `${time}.${String(date.getMilliseconds()).padStart(3, '0')}`
}
