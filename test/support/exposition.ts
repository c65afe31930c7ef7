import assert from 'node:assert/strict'

/** A line of Prometheus' text format. */
export interface Series {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** What a scrape gave, read by the letter of the text format 0.0.4: what does not fit it fails. */
export class Exposition {
  readonly series: readonly Series[]
  /** Kinds of metrics, by the name of the family. */
  readonly types: ReadonlyMap<string, string>

  constructor(text: string) {
    assert.ok(text.endsWith('\n'), 'the last line must end')
    const series: Series[] = []
    const types = new Map<string, string>()
    for (const line of text.split('\n')) {
      const [, name, type] = /^# TYPE ([a-zA-Z_:][\w:]*) (counter|gauge|histogram|summary)$/.exec(line) ?? []
      if (name !== undefined) {
        assert.ok(!types.has(name), `${name} comes twice`)
        types.set(name, type!)
      } else if (line !== '' && !line.startsWith('# HELP ')) series.push(readLine(line))
    }
    const keys = series.map(({ name, labels }) => JSON.stringify([name, Object.entries(labels).sort()]))
    assert.equal(new Set(keys).size, keys.length, 'a series comes twice')
    this.series = series
    this.types = types
  }

  /** The values of the series with this name and these labels among theirs. */
  values(name: string, labels: Readonly<Record<string, string>> = {}): number[] {
    return this.series.filter((one) => {
      return one.name === name && Object.entries(labels).every(([label, value]) => one.labels[label] === value)
    }).map(({ value }) => value)
  }

  /** The value of the one such series. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const values = this.values(name, labels)
    assert.equal(values.length, 1, `${values.length} series are ${name} ${JSON.stringify(labels)}`)
    return values[0]!
  }

  /** The values that a label has. */
  labelValues(name: string, label: string): string[] {
    return this.series.filter((one) => one.name === name).map(({ labels }) => labels[label] ?? '')
  }
}

/** @throws when the server does not answer as to Prometheus. */
export async function scrape(url: string): Promise<Exposition> {
  const response = await fetch(`${url}/metrics`)
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  return new Exposition(await response.text())
}

/** Scrapes until something is so: what counters tell follows what clients see, and may be a moment later. */
export async function scrapeUntil(url: string, holds: (scraped: Exposition) => boolean): Promise<Exposition> {
  const deadline = Date.now() + 20_000
  for (;;) {
    const scraped = await scrape(url)
    if (holds(scraped) || Date.now() > deadline) return scraped
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function readLine(line: string): Series {
  const [, name, list = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
  assert.ok(name !== undefined && value !== undefined, `not a line of the text format: ${line}`)
  const pairs = [...list.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\["\\n])*)"(?:,|$)/g)]
  assert.equal(pairs.map(([whole]) => whole).join(''), list, `not labels: ${line}`)
  const labels = Object.fromEntries(pairs.map(([, label, text]) => [label!, unescape(text!)]))
  const number = value === '+Inf' ? Infinity : Number(value)
  assert.ok(!Number.isNaN(number), `not a number: ${line}`)
  return { name, labels, value: number }
}

function unescape(text: string): string {
  return text.replace(/\\(.)/g, (_, letter: string) => letter === 'n' ? '\n' : letter)
}
