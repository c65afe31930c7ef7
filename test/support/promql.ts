/** What an expression of PromQL asks for. */
export interface Asked {
  /** The labels that are matched, by metric. */
  readonly metrics: ReadonlyMap<string, ReadonlySet<string>>
  /** The labels that it groups or joins by. */
  readonly grouping: ReadonlySet<string>
}

const TOKEN = /"(?:[^"\\]|\\.)*"|\[[^\]]*\]|[a-zA-Z_:][\w:]*|[\d.]+[a-z]*|[^\s]/g
const LISTS = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right'])
const OPERATORS = new Set(['and', 'or', 'unless', 'bool', 'offset'])

/** Reads the names out of an expression. Whether it is one is for promtool to say. */
export function namesOf(expression: string): Asked {
  const tokens: readonly string[] = expression.match(TOKEN) ?? []
  const metrics = new Map<string, Set<string>>()
  const grouping = new Set<string>()
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!
    if (!/^[a-zA-Z_:]/.test(token) || OPERATORS.has(token)) continue
    const end = (close: string) => tokens.indexOf(close, i)
    if (LISTS.has(token) && tokens[i + 1] === '(') {
      for (const label of tokens.slice(i + 2, end(')'))) if (label !== ',') grouping.add(label)
      i = end(')')
    } else if (tokens[i + 1] !== '(' && !LISTS.has(tokens[i + 1] ?? '')) {
      const labels = metrics.get(token) ?? new Set()
      metrics.set(token, labels)
      if (tokens[i + 1] !== '{') continue
      const inside = tokens.slice(i + 2, end('}'))
      inside.forEach((name, at) => /^[=!]/.test(inside[at + 1] ?? '') && /^[a-zA-Z_]/.test(name) && labels.add(name))
      i = end('}')
    }
  }
  return { metrics, grouping }
}
