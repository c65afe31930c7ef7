/** Names in the order of their UTF-8 bytes, which is that of their code points. Sorted when they are asked for. */
export class SortedNames {
  #sorted: string[] = []
  #added: string[] = []

  /** Adds a name that is not in it. */
  add(name: string): void {
    this.#added.push(name)
  }

  /** The names that begin with `prefix`, from just after `after`. To be read before another is added. */
  *from(prefix: string, after: string): Generator<string> {
    if (this.#added.length > 0) this.#merge()
    const sorted = this.#sorted
    let low = 0
    let high = sorted.length
    while (low < high) {
      const middle = (low + high) >> 1
      const name = sorted[middle]!
      if (compare(name, prefix) < 0 || compare(name, after) <= 0) low = middle + 1
      else high = middle
    }
    for (; low < sorted.length && sorted[low]!.startsWith(prefix); low++) yield sorted[low]!
  }

  #merge(): void {
    const added = this.#added.sort(compare)
    const merged: string[] = []
    let next = 0
    for (const name of this.#sorted) {
      while (next < added.length && compare(added[next]!, name) < 0) merged.push(added[next++]!)
      merged.push(name)
    }
    while (next < added.length) merged.push(added[next++]!)
    this.#sorted = merged
    this.#added = []
  }
}

/** Below 0 when `a` comes first. `<` compares code units, of which those of surrogate pairs are not the highest. */
function compare(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const difference = rank(a.charCodeAt(i)) - rank(b.charCodeAt(i))
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** A code unit's place among first units that differ: surrogates last. */
function rank(unit: number): number {
  return unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit
}
