/** Makes an element. Children that are strings become text, never markup. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = '',
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  if (className !== '') element.className = className
  element.append(...children)
  return element
}

/** The element of `page.html` with this id, which is of this kind. */
export function find<T extends Element>(id: string, kind: new () => T): T {
  const element = document.getElementById(id)
  if (element instanceof kind) return element
  throw new Error(`page.html has no ${kind.name} with the id "${id}".`)
}

/** `1 message`, `2 messages`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** A stable colour for a name. */
export function hueOf(name: string): number {
  let hash = 0
  for (const char of name) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) % 65_521
  // Steps of the golden angle lie well apart from each other.
  return Math.round(hash * 137.508) % 360
}

/** Fills an avatar with a name's initials and colour. */
export function dressAvatar(element: HTMLElement, name: string): void {
  const initials = name.split(/\s+/).filter((word) => word !== '').slice(0, 2).map((word) => [...word][0] ?? '')
  element.textContent = initials.join('').toUpperCase()
  element.style.setProperty('--hue', String(hueOf(name)))
}
