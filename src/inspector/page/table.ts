import { h, mark, say } from './dom.ts'

/** A column of a table. */
export interface Column<Row> {
  readonly name: string
  /** What the server sorts it by; columns without it are not sorted by. */
  readonly sort?: string
  /** Which end one wants to see first. */
  readonly descends?: boolean
  readonly className?: string
  text(row: Row): string
  /** Said in full where the text is short for it. */
  title?(row: Row): string
  /** Marks a cell that is a reason to look. */
  alarms?(row: Row): boolean
}

/** What a table tells. */
export interface TableEvents<Row> {
  sort(by: string, descending: boolean): void
  open(row: Row): void
}

interface Line<Row> {
  row: Row
  readonly element: HTMLTableRowElement
  readonly cells: readonly HTMLElement[]
}

/** Rows that stay the same elements as long as they are about the same thing. */
export class Table<Row> {
  readonly element: HTMLTableElement
  readonly #columns: readonly Column<Row>[]
  readonly #keyOf: (row: Row) => string
  readonly #events: TableEvents<Row>
  readonly #heads: HTMLTableCellElement[]
  readonly #body = h('tbody')
  #lines = new Map<string, Line<Row>>()
  #sort = ''
  #descending = false

  constructor(
    element: HTMLTableElement,
    columns: readonly Column<Row>[],
    keyOf: (row: Row) => string,
    events: TableEvents<Row>,
  ) {
    this.element = element
    this.#columns = columns
    this.#keyOf = keyOf
    this.#events = events
    this.#heads = columns.map((column) => this.#head(column))
    element.replaceChildren(h('thead', '', h('tr', '', ...this.#heads)), this.#body)
  }

  show(rows: readonly Row[], sort: string, descending: boolean, selected: string | undefined): void {
    this.#sort = sort
    this.#descending = descending
    for (const [i, column] of this.#columns.entries()) {
      const order = column.sort !== undefined && column.sort === sort
      mark(this.#heads[i]!, 'aria-sort', order ? (descending ? 'descending' : 'ascending') : undefined)
    }
    const lines = new Map<string, Line<Row>>()
    let place = this.#body.firstElementChild
    for (const row of rows) {
      const key = this.#keyOf(row)
      const line = this.#lines.get(key) ?? this.#line(row)
      line.row = row
      this.#write(line)
      mark(line.element, 'aria-selected', key === selected ? 'true' : undefined)
      if (line.element === place) place = place.nextElementSibling
      else this.#body.insertBefore(line.element, place)
      lines.set(key, line)
    }
    for (const [key, { element }] of this.#lines) if (!lines.has(key)) element.remove()
    this.#lines = lines
  }

  #head(column: Column<Row>): HTMLTableCellElement {
    const { name, sort, className = '', descends = false } = column
    const cell = h('th', className)
    cell.scope = 'col'
    if (sort === undefined) cell.append(name)
    else {
      const sorter = h('button', '', name)
      sorter.type = 'button'
      sorter.dataset['testid'] = `sort-${sort}`
      sorter.addEventListener('click', () => {
        this.#events.sort(sort, this.#sort === sort ? !this.#descending : descends)
      })
      cell.append(sorter)
    }
    return cell
  }

  #line(row: Row): Line<Row> {
    const element = h('tr')
    element.dataset['testid'] = 'row'
    const cells = this.#columns.map(({ className = '' }, i) => {
      const inside = h(i === 0 ? 'button' : 'span')
      element.append(h('td', className, inside))
      return inside
    })
    const line: Line<Row> = { row, element, cells }
    if (cells[0] instanceof HTMLButtonElement) cells[0].type = 'button'
    // The whole row can be pressed; with the keyboard, the button in it.
    element.addEventListener('click', () => {
      if (document.getSelection()?.isCollapsed !== false) this.#events.open(line.row)
    })
    return line
  }

  #write({ row, cells }: Line<Row>): void {
    for (const [i, column] of this.#columns.entries()) {
      const cell = cells[i]!
      say(cell, column.text(row))
      mark(cell, 'title', column.title?.(row))
      mark(cell, 'data-alarm', column.alarms?.(row) === true ? '' : undefined)
    }
  }
}
