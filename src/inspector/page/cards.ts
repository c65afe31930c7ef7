import type { Sample, View } from '../view.ts'
import { find, h, mark, say } from './dom.ts'
import { bytes, count, milliseconds, rate } from './format.ts'
import { Plot } from './plot.ts'
import { growth, level, type Point, quantiles } from './series.ts'

/** A number with its last two minutes. */
interface Card {
  readonly id: string
  readonly name: string
  readonly unit: string
  points(samples: readonly Sample[], view: View): Point[]
  write(value: number): string
  /** Said below the number. */
  note(last: Sample, view: View, samples: readonly Sample[]): string
  /** Whether this number is a reason to look. */
  alarms?(last: Sample, value: number, view: View): boolean
}

const latest = (points: readonly Point[]) => points.at(-1)?.value ?? null

const CARDS: readonly Card[] = [
  {
    id: 'sessions',
    name: 'Sessions',
    unit: '',
    points: (samples) => level(samples, ({ sessions }) => sessions),
    write: count,
    note: ({ connections, sessions, connectionsTotal }, { limits }) => {
      const beside = connections > sessions ? ` · ${count(connections - sessions)} raw` : ''
      return `of ${count(limits.connections)}${beside} · ${count(connectionsTotal)} so far`
    },
    alarms: ({ connections }, _, { limits }) => connections >= limits.connections * 0.9,
  },
  {
    id: 'in',
    name: 'Messages in',
    unit: '/s',
    points: (samples) => growth(samples, ({ messagesIn }) => messagesIn),
    write: rate,
    note: (_, __, samples) => `${bytes(latest(growth(samples, ({ bytesIn }) => bytesIn)) ?? 0)}/s`,
  },
  {
    id: 'out',
    name: 'Messages out',
    unit: '/s',
    points: (samples) => growth(samples, ({ messagesOut }) => messagesOut),
    write: rate,
    note: (_, __, samples) => `${bytes(latest(growth(samples, ({ bytesOut }) => bytesOut)) ?? 0)}/s`,
  },
  {
    id: 'commit',
    name: 'Commit, 99 %',
    unit: '',
    points: (samples, { bounds }) => quantiles(samples, bounds, ({ commits }) => commits, 0.99),
    write: milliseconds,
    note: (_, __, samples) => `${rate(latest(growth(samples, ({ stored }) => stored)) ?? 0)} stored/s`,
  },
  {
    id: 'queue',
    name: 'Journal queue',
    unit: '',
    points: (samples) => level(samples, ({ waiting }) => waiting),
    write: count,
    note: (_, { limits }) => `of ${count(limits.journal)} messages`,
    alarms: (_, value, { limits }) => value >= limits.journal / 2,
  },
  {
    id: 'slow',
    name: 'Slow readers',
    unit: '',
    points: (samples) => level(samples, ({ slow }) => slow),
    write: count,
    note: ({ buffered }) => `${bytes(buffered)} wait to be read`,
    alarms: (_, value) => value > 0,
  },
  {
    id: 'errors',
    name: 'Errors',
    unit: '/s',
    points: (samples) => growth(samples, ({ errors }) => errors),
    write: rate,
    note: ({ errors }) => `${count(errors)} so far`,
    alarms: (_, value) => value > 0,
  },
]

/** The row of numbers above everything else. */
export class Cards {
  readonly #shown = CARDS.map((card) => {
    const value = h('strong')
    const note = h('span', 'note')
    const plot = new Plot()
    const element = h('div', 'card', h('span', 'name', card.name), value, note)
    element.dataset['testid'] = `card-${card.id}`
    element.append(plot.element)
    return { card, element, value, note, plot }
  })

  constructor() {
    find('cards', HTMLElement).append(...this.#shown.map(({ element }) => element))
  }

  show(samples: readonly Sample[], view: View): void {
    const last = samples.at(-1)
    if (last === undefined) return
    for (const { card, element, value, note, plot } of this.#shown) {
      const points = card.points(samples, view)
      const now = latest(points)
      say(value, now === null ? '–' : `${card.write(now)}${card.unit}`)
      say(note, card.note(last, view, samples))
      plot.draw(points)
      mark(element, 'data-alarm', now !== null && card.alarms?.(last, now, view) === true ? '' : undefined)
    }
  }
}
