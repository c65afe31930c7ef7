import assert from 'node:assert/strict'

/** What of a Grafana dashboard is looked at. */
export interface Dashboard {
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] }
  readonly panels: readonly {
    readonly id: number
    readonly title: string
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
    readonly datasource?: { readonly uid: string }
    readonly targets?: readonly { readonly refId: string; readonly expr: string; readonly datasource: object }[]
  }[]
}

/** The queries of a dashboard as Grafana sends them, when everything is chosen. */
export function expressionsOf({ panels, templating }: Dashboard): string[] {
  const variables = new Map([['__rate_interval', '1m'], ['job', 'rotunda'], ['instance', '.*']])
  const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
  // As `label_values(<series>, <label>)`.
  const listed = templating.list.flatMap(({ definition }) =>
    definition?.match(/^label_values\((.*), (\w+)\)$/)?.[1] ?? []
  )
  assert.equal(listed.length, 2, 'variables are queries of their own')
  return [...queries, ...listed].map((expression) => {
    return expression.replace(/\$\{?(\w+)\}?/g, (_, name: string) => {
      assert.ok(variables.has(name), `no variable ${name}: ${expression}`)
      return variables.get(name)!
    })
  })
}
