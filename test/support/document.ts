import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** A frame printed in the wire document, and which side sends it. */
export interface PrintedFrame {
  readonly side: 'client' | 'server'
  readonly envelope: Record<string, unknown>
}

/** The wire document, `src/protocol/README.md`. */
export const WIRE_DOCUMENT: string = readFileSync(
  fileURLToPath(import.meta.resolve('../../src/protocol/README.md')),
  'utf8',
)

/** The frames of the wire document, in its order. */
export function printedFrames(): PrintedFrame[] {
  return [...WIRE_DOCUMENT.matchAll(/^```json (client|server)\n(.*?)^```$/gms)].map(([, side, text]) => {
    return { side: side as PrintedFrame['side'], envelope: JSON.parse(text!) }
  })
}

/** The body rows of the table with this heading, each row a list of its cells. */
export function tableRows(...heading: string[]): string[][] {
  const rows = WIRE_DOCUMENT.split('\n').map((line) => line.slice(1, -1).split('|').map((cell) => cell.trim()))
  const head = rows.findIndex((cells) => cells.join() === heading.join())
  if (head < 0) throw new Error(`The wire document has no table with the heading ${heading.join(', ')}.`)
  const body = rows.slice(head + 2)
  return body.slice(0, body.findIndex((cells) => cells.length !== heading.length))
}
