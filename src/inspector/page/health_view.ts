import type { Sample, View } from '../view.ts'
import { find, h, mark, say } from './dom.ts'
import { count, milliseconds, words } from './format.ts'
import { minus, quantile } from './series.ts'

/** A distribution over the last two minutes. */
class Distribution {
  readonly element: HTMLElement
  readonly #bars: HTMLElement[] = []
  readonly #summary = h('p', 'soft')
  readonly #chart = h('div', 'bars')
  readonly #scale = h('div', 'scale')

  constructor(title: string, testId: string) {
    this.element = h('section', 'block', h('h2', '', title), this.#summary, this.#chart, this.#scale)
    this.element.dataset['testid'] = testId
    this.#chart.setAttribute('aria-hidden', 'true')
    this.#scale.setAttribute('aria-hidden', 'true')
  }

  show(counts: readonly number[], bounds: readonly number[]): void {
    const total = counts.reduce((sum, value) => sum + value, 0)
    const [half, most, all] = [0.5, 0.99, 1].map((share) => quantile(counts, bounds, share))
    const told = half == null || most == null || all == null
      ? 'Nothing in the last two minutes.'
      : `Half within ${milliseconds(half)}, 99 % within ${milliseconds(most)}, all within ${
        counts.at(-1)! > 0 ? 'more than ' : ''
      }${milliseconds(all)}; ${count(total)} in two minutes.`
    say(this.#summary, told)
    while (this.#bars.length < counts.length) {
      const bar = h('div', 'bar')
      this.#bars.push(bar)
      this.#chart.append(bar)
      const bound = bounds[this.#bars.length - 1]
      this.#scale.append(h('span', '', bound === undefined ? 'more' : bound < 1_000 ? `${bound}` : `${bound / 1_000}k`))
    }
    const highest = Math.max(1, ...counts)
    for (const [i, bar] of this.#bars.entries()) {
      const value = counts[i] ?? 0
      bar.style.height = value === 0 ? '0' : `${Math.max(2, (value / highest) * 100)}%`
      mark(bar, 'title', `${count(value)} within ${bounds[i] === undefined ? 'more' : milliseconds(bounds[i]!)}`)
    }
  }
}

/** Latencies, and every counter that the hub keeps. */
export class HealthView {
  readonly #commits = new Distribution('Commit latency, in milliseconds', 'commits')
  readonly #deliveries = new Distribution('From taken to delivered, in milliseconds', 'deliveries')
  readonly #groups = h('div', 'groups')
  readonly #values = new Map<string, HTMLElement>()

  constructor() {
    const both = h('div', 'pair', this.#commits.element, this.#deliveries.element)
    find('health', HTMLElement).append(both, this.#groups)
  }

  show(samples: readonly Sample[], view: View): void {
    const [first, last] = [samples[0], samples.at(-1)]
    if (first === undefined || last === undefined) return
    this.#commits.show(minus(last.commits, first.commits), view.bounds)
    this.#deliveries.show(minus(last.deliveries, first.deliveries), view.bounds)
    const names = view.groups.flatMap(({ name, counters }) => counters.map(([counter]) => `${name}\n${counter}`))
    // Counters come as they are first counted, and are few: the groups are made anew then.
    if (names.length !== this.#values.size || names.some((name) => !this.#values.has(name))) this.#make(view)
    for (const { name, counters } of view.groups) {
      for (const [counter, value] of counters) say(this.#values.get(`${name}\n${counter}`)!, write(counter, value))
    }
  }

  #make(view: View): void {
    this.#values.clear()
    this.#groups.replaceChildren(...view.groups.map(({ name, counters }) => {
      const list = h('dl')
      for (const [counter] of counters) {
        const value = h('dd')
        this.#values.set(`${name}\n${counter}`, value)
        list.append(h('div', '', h('dt', '', words(counter.replace(/Milliseconds$/, ''))), value))
      }
      return h('section', 'block', h('h2', '', name), list)
    }))
  }
}

/** Times are told as such. */
function write(counter: string, value: number): string {
  if (counter.endsWith('Milliseconds')) return milliseconds(value)
  if (counter.endsWith('At')) return value === 0 ? 'never' : new Date(value).toLocaleTimeString('en-GB')
  return count(value)
}
