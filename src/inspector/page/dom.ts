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

/** A button that does something. */
export function button(text: string, className: string, testId: string, act: () => void): HTMLButtonElement {
  const element = h('button', className, text)
  element.type = 'button'
  element.dataset['testid'] = testId
  element.addEventListener('click', act)
  return element
}

/** The element of `page.html` with this id, which is of this kind. */
export function find<T extends Element>(id: string, kind: new () => T): T {
  const element = document.getElementById(id)
  if (element instanceof kind) return element
  throw new Error(`page.html has no ${kind.name} with the id "${id}".`)
}

/** Sets a text only where it is another one, so that what somebody has selected stays selected. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

/** Sets an attribute only where it is another one; without a value it is removed. */
export function mark(element: Element, name: string, value: string | undefined): void {
  if (value === undefined) element.removeAttribute(name)
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value)
}
