import { Buffer } from 'node:buffer'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The forms in which something secret is found of these bytes in others: none, or `hex`, `base64` and so on. */
export function tracesOf(secret: string | Uint8Array, where: Buffer): string[] {
  const bytes = Buffer.from(secret as string)
  const forms: [form: string, bytes: Buffer | string][] = [
    ['raw', bytes],
    ['hex', bytes.toString('hex')],
    ['HEX', bytes.toString('hex').toUpperCase()],
  ]
  if (typeof secret === 'string') forms.push(['UTF-16', Buffer.from(secret, 'utf16le')])
  // Within something longer, base64 begins in one of three ways; what depends on the neighbours is cut off.
  for (let before = 0; before < 3; before++) {
    const whole = Buffer.concat([Buffer.alloc(before), bytes])
    const text = whole.toString('base64').slice(Math.ceil(8 * before / 6), Math.floor(8 * whole.length / 6))
    forms.push([`base64 from ${before}`, text], [
      `base64url from ${before}`,
      text.replace(/\+/g, '-').replace(/\//g, '_'),
    ])
  }
  return forms.filter(([, form]) => where.includes(form)).map(([name]) => name)
}

/** The content of all files of a folder. */
export async function contentOf(folder: string): Promise<{ readonly names: string[]; readonly bytes: Buffer }> {
  const names = (await readdir(folder)).sort()
  return { names, bytes: Buffer.concat(await Promise.all(names.map((name) => readFile(join(folder, name))))) }
}
