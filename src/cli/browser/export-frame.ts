// The form that writes records to a file. Pure.

import { hint, type KeyHint } from '../consumer/bars.ts'
import type { Line, Size } from '../consumer/screen-lines.ts'
import {
  type ExportForm,
  type ExportFormat,
  type ExportState,
  exportedText,
} from './export-form.ts'
import { choiceRow, type FormStatus, fieldRow, formBox } from './form-frame.ts'

const formats: Readonly<Record<ExportFormat, string>> = {
  json: 'lines of JSON, as zw consume -J writes them; space: the values',
  values: 'the values alone, each on a line; space: lines of JSON',
}

export function exportBox(form: ExportForm, size: Size): Line[] {
  const width = size.columns - 2
  const { path, format, at, what, state } = form
  return formBox(size, {
    label: `export ${what}`,
    rows: [
      fieldRow('path', path, { isAt: at === 'path', width, note: 'of the file' }),
      choiceRow('format', formats[format], { isAt: at === 'format', width }),
    ],
    status: exportStatus(state),
  })
}

export function exportStatus(state: ExportState): FormStatus {
  switch (state.type) {
    case 'editing':
      return { tone: 'quiet', text: 'nothing is written yet' }
    case 'refused':
      return { tone: 'warn', text: `not written: ${state.problem}` }
    case 'writing':
      return { tone: 'text', text: 'writing …' }
    case 'exists':
      return { tone: 'warn', text: `${state.path} exists: y replaces it, esc leaves it as it is` }
    case 'written':
      return { tone: 'good', text: exportedText(state) }
    case 'failed':
      return { tone: 'bad', text: exportedText(state) }
  }
}

export function exportHints({ state }: ExportForm): readonly KeyHint[] {
  if (state.type === 'exists') return [hint('y', 'replace the file'), hint('esc', 'leave it')]
  if (state.type === 'written') return [hint('enter', 'close')]
  return [
    hint('enter', 'next field, then write'),
    hint('space', 'format'),
    hint('^S', 'write'),
    hint('esc', 'close'),
  ]
}
