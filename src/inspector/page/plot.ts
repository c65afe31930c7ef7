import type { Point } from './series.ts'

const NAMESPACE = 'http://www.w3.org/2000/svg'
/** Width in seconds, which is what it shows; height in what the style makes of it. */
const WIDTH = 120
const HEIGHT = 32

/** A line over the last two minutes. */
export class Plot {
  readonly element: SVGSVGElement = document.createElementNS(NAMESPACE, 'svg')
  readonly #area = document.createElementNS(NAMESPACE, 'path')
  readonly #line = document.createElementNS(NAMESPACE, 'path')

  constructor() {
    this.element.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`)
    this.element.setAttribute('preserveAspectRatio', 'none')
    this.element.setAttribute('class', 'plot')
    this.element.setAttribute('aria-hidden', 'true')
    this.#area.setAttribute('class', 'area')
    this.#line.setAttribute('class', 'line')
    this.element.append(this.#area, this.#line)
  }

  draw(points: readonly Point[]): void {
    const now = points.at(-1)?.at ?? 0
    const most = Math.max(1e-9, ...points.map(({ value }) => value ?? 0))
    const known = points.flatMap(({ at, value }, i) => {
      if (value === null) return []
      const x = WIDTH - (now - at) / 1_000
      const y = HEIGHT - 2 - (value / most) * (HEIGHT - 5)
      return [{ x, y, begins: i === 0 || points[i - 1]!.value === null }]
    })
    let line = ''
    let area = ''
    for (const [i, { x, y, begins }] of known.entries()) {
      const place = `${x.toFixed(1)} ${y.toFixed(1)}`
      if (begins) area += `${i === 0 ? '' : `L${known[i - 1]!.x.toFixed(1)} ${HEIGHT}Z`}M${x.toFixed(1)} ${HEIGHT}`
      // A point alone would not be seen.
      line += begins ? `M${(x - 0.5).toFixed(1)} ${y.toFixed(1)}L${place}` : `L${place}`
      area += `L${place}`
    }
    const last = known.at(-1)
    this.#line.setAttribute('d', line)
    this.#area.setAttribute('d', last === undefined ? '' : `${area}L${last.x.toFixed(1)} ${HEIGHT}Z`)
  }
}
