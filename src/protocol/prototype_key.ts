/** Whether a parsed JSON text has a key named `__proto__` anywhere, which careless code would take for a prototype. */
export function holdsPrototypeKey(text: string, value: unknown): boolean {
  return mayHidePrototypeKey(text) && typeof value === 'object' && value !== null && hasPrototypeKey(value)
}

/** Cheap enough for every frame: `__proto__` must stand in the text, perhaps with its underscores escaped. */
export function mayHidePrototypeKey(text: string): boolean {
  // Runtimes look for one character much faster than for several.
  if (!text.includes('_') && !text.includes('\\')) return false
  return text.includes('__proto__') || (text.includes('\\u00') && /\\u005f|\\u00[67]/i.test(text))
}

/** Walks without recursion, since hostile nesting is as deep as a frame is long. */
export function hasPrototypeKey(root: object): boolean {
  const pending: object[] = [root]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (Object.hasOwn(node, '__proto__')) return true
    for (const child of Object.values(node)) if (typeof child === 'object' && child !== null) pending.push(child)
  }
  return false
}
