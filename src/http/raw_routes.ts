import { RotundaError } from '../protocol/errors.ts'
import { quote } from '../protocol/names.ts'
import type { Target } from '../hub/mod.ts'
import type { RawHub } from '../raw/mod.ts'

/** A raw service, as made with `rawService`. */
export interface RawRoute {
  attach(hub: RawHub): Target<unknown>
}

/**
 * The raw services of a hub by their whole path.
 * @param routes By path below the base.
 * @param taken Paths that are the hub's own.
 * @throws {RotundaError} `invalid_config` for a path that cannot be asked for or is taken, or what the service refuses.
 */
export function rawTargets(
  hub: RawHub,
  base: string,
  routes: Readonly<Record<string, RawRoute>>,
  taken: readonly string[],
): ReadonlyMap<string, Target<unknown>> {
  return new Map(
    Object.entries(routes).map(([path, service]) => {
      checkPath(base + path)
      checkFreePath(base + path, taken)
      return [base + path, service.attach(hub)]
    }),
  )
}

/** @throws {RotundaError} `invalid_config` for a path that no request can ask for. */
function checkPath(path: string): void {
  if (!path.startsWith('/')) {
    throw new RotundaError('invalid_config', `raw has the path ${quote(path)}; it must begin with "/".`)
  }
  const { pathname } = new URL(`http://host${path}`)
  if (pathname === path) return
  throw new RotundaError('invalid_config', `raw has the path ${quote(path)}; who asks for it asks for "${pathname}".`)
}

/** @throws {RotundaError} `invalid_config` for a path that is the hub's own. */
export function checkFreePath(path: string, taken: readonly string[]): void {
  if (!taken.includes(path)) return
  throw new RotundaError('invalid_config', `raw has the path ${quote(path)}, which is the hub's own; choose another.`)
}
