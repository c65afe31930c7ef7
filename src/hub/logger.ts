/** Where a hub writes what it notices: a console, or what has the same methods. */
export interface Logger {
  debug(...data: unknown[]): void
  info(...data: unknown[]): void
  warn(...data: unknown[]): void
  error(...data: unknown[]): void
}

/** How much is written: all from this level on. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent']
const nothing = () => {}

/** A logger that writes from a level on. */
export function fromLevel(logger: Logger, level: LogLevel): Logger {
  const from = LEVELS.indexOf(level)
  const at = (method: Exclude<LogLevel, 'silent'>) => {
    return LEVELS.indexOf(method) < from ? nothing : (...data: unknown[]) => logger[method](...data)
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
