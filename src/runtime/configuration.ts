import type { FallbackOptions } from '../fallback/mod.ts'
import { checkLimits, type Limits } from '../hub/limits.ts'
import { checkQuotaRules, type QuotaRule } from '../hub/quota/rules.ts'
import { RotundaError } from '../protocol/errors.ts'
import { quote } from '../protocol/names.ts'
import { type PresetName, PRESETS } from './presets.ts'
import { type Setting, SETTINGS, snakeCase } from './settings.ts'

/** A checked configuration, ready to be handed to hub, store and server. */
export interface Configuration {
  readonly server: { readonly host: string; readonly port: number }
  readonly database: { readonly url: string; readonly authToken?: string }
  readonly websocket: {
    readonly host: string
    readonly port: number
    /** Left out where none are named. */
    readonly origins?: readonly string[]
    readonly trustProxy: number
    readonly enableDeflate: boolean
    readonly drain: number
  }
  /** To be given to `createHub`, as is the mode. */
  readonly quotas: readonly QuotaRule[]
  readonly quotaMode: 'enforce' | 'permissive'
  /** SSE and long polling, to be given to `serve`; false where there are to be none. */
  readonly fallback: FallbackOptions | false
  readonly metrics: {
    readonly enabled: boolean
    readonly host: string
    readonly port: number
    readonly token?: string
  }
  /** To be given to `serve`; undefined without a password. */
  readonly inspector: { readonly password: string; readonly payloads: boolean } | undefined
  readonly limits: Limits
}

/** Where settings come from; a later one overrides an earlier one. */
export interface ConfigurationSources {
  /** The defaults to start from. Default `standard`; the JSON's `preset` and variable `ROTUNDA_PRESET` can name it too. */
  readonly preset?: PresetName
  /**
   * A parsed JSON document. Sections other than `server`, `database`, `websocket`, `quotas`, `fallback`, `metrics` and
   * `inspector` are left alone.
   */
  readonly json?: unknown
  /** Environment variables, such as `process.env` or `Deno.env.toObject()`. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** Settings by path, such as `{ 'websocket.pingInterval': 20 }`. */
  readonly code?: Readonly<Record<string, unknown>>
}

type Value = number | boolean | string | readonly string[] | readonly QuotaRule[]

/**
 * Puts a configuration together: preset, then JSON, then environment, then code, the later ones winning.
 *
 * @throws {RotundaError} `invalid_config`, naming the setting as it was given, its value and what is allowed.
 * @example
 * ```ts
 * const configuration = loadConfiguration({ json: JSON.parse(text), environment: process.env })
 * const hub = createHub({ protocol: chat, limits: configuration.limits })
 * serve(hub, { port: configuration.server.port, fallback: configuration.fallback })
 * ```
 */
export function loadConfiguration(sources: ConfigurationSources = {}): Configuration {
  const given = new Map<string, Value>()
  readJson(sources.json, given)
  readEnvironment(sources.environment ?? {}, given)
  for (const [path, value] of Object.entries(sources.code ?? {})) {
    if (value === undefined) continue
    const setting = settingAt(path)
    given.set(setting.path, check(setting, path, value))
  }
  const value = <T extends Value>(path: string) => (given.get(path) ?? settingAt(path).standard) as T
  const limits = checkLimits({ ...presetOf(sources), ...limitsOf(given) })
  return {
    server: { host: value('server.host'), port: value('server.port') },
    database: {
      url: value('database.url'),
      ...(value('database.authToken') === '' ? {} : { authToken: value('database.authToken') }),
    },
    websocket: {
      host: value('websocket.host'),
      port: value('websocket.port'),
      ...(value<string | readonly string[]>('websocket.origins').length === 0
        ? {}
        : { origins: value<readonly string[]>('websocket.origins') }),
      trustProxy: value('websocket.trustProxy'),
      enableDeflate: value('websocket.enableDeflate'),
      drain: value('websocket.drain'),
    },
    quotas: checkQuotaRules(value('quotas.rules') || [], limits.maxMessageSize),
    quotaMode: value('quotas.permissive') ? 'permissive' : 'enforce',
    fallback: value('fallback.enabled') ? fallbackOf(value) : false,
    metrics: {
      enabled: value('metrics.enabled'),
      host: value('metrics.host'),
      port: value('metrics.port'),
      ...(value('metrics.token') === '' ? {} : { token: value('metrics.token') }),
    },
    inspector: value('inspector.password') === ''
      ? undefined
      : { password: value('inspector.password'), payloads: value('inspector.payloads') },
    limits,
  }
}

function fallbackOf(value: <T extends Value>(path: string) => T): FallbackOptions {
  const origins = value<string | readonly string[]>('fallback.origins')
  return {
    ttl: value('fallback.ttl'),
    mailbox: value('fallback.mailbox'),
    maxWait: value('fallback.maxWait'),
    heartbeat: value('fallback.heartbeat'),
    ...(typeof origins === 'string' ? {} : { origins }),
    shared: value('fallback.shared') ? { maxMailboxes: value('fallback.maxMailboxes') } : false,
  }
}

function presetOf({ preset, json, environment }: ConfigurationSources): Partial<Limits> {
  const name = preset ?? (environment?.['ROTUNDA_PRESET'] || undefined) ??
    (isObject(json) ? json['preset'] : undefined) ?? 'standard'
  if (typeof name === 'string' && Object.hasOwn(PRESETS, name)) return PRESETS[name as PresetName]
  const known = Object.keys(PRESETS).join(', ')
  throw new RotundaError('invalid_config', `preset is ${quote(name)}; it must be one of: ${known}.`)
}

function limitsOf(given: ReadonlyMap<string, Value>): Partial<Limits> {
  const limits: Record<string, Value> = {}
  for (const [path, value] of given) {
    const name = path.slice('websocket.'.length)
    if (path.startsWith('websocket.') && !NOT_LIMITS.has(name)) limits[name] = value
  }
  if (given.get('websocket.autoPingPong') === false) {
    if ((limits['pingInterval'] ?? 0) !== 0) {
      throw new RotundaError(
        'invalid_config',
        `websocket.autoPingPong is false, but websocket.pingInterval is ${
          limits['pingInterval']
        }: leave one of them out.`,
      )
    }
    limits['pingInterval'] = 0
  }
  return limits as Partial<Limits>
}

const NOT_LIMITS: ReadonlySet<string> = new Set([
  'host',
  'port',
  'origins',
  'trustProxy',
  'enableDeflate',
  'autoPingPong',
  'drain',
])
const SECTIONS: readonly string[] = ['server', 'database', 'websocket', 'quotas', 'fallback', 'metrics', 'inspector']

function readJson(json: unknown, given: Map<string, Value>): void {
  if (json === undefined) return
  if (!isObject(json)) throw new RotundaError('invalid_config', 'The configuration must be a JSON object.')
  for (const section of SECTIONS) {
    const values = json[section]
    if (values === undefined) continue
    if (!isObject(values)) throw new RotundaError('invalid_config', `${section} must be a JSON object.`)
    for (const [name, value] of Object.entries(values)) {
      const path = `${section}.${name}`
      const setting = settingAt(path)
      if (given.has(setting.path)) {
        throw new RotundaError('invalid_config', `${path} is given twice, in camelCase and in snake_case.`)
      }
      given.set(setting.path, check(setting, path, value))
    }
  }
}

function readEnvironment(environment: Readonly<Record<string, string | undefined>>, given: Map<string, Value>): void {
  for (const setting of SETTINGS) {
    const text = environment[setting.variable]
    if (text !== undefined && text !== '') {
      given.set(setting.path, check(setting, setting.variable, parse(setting, text)))
    }
  }
}

function settingAt(path: string): Setting {
  const setting = SETTINGS.find((known) => known.path === path || snakeCase(known.path) === path)
  if (setting !== undefined) return setting
  const section = path.slice(0, path.indexOf('.') + 1)
  const known = SETTINGS.map((candidate) => candidate.path).filter((candidate) => candidate.startsWith(section))
  throw new RotundaError('invalid_config', `${path} is not a setting; there are: ${known.join(', ')}.`)
}

/** The text of a variable as what it stands for; what is not that stays text, to be refused by name. */
function parse({ kind }: Setting, text: string): unknown {
  if (kind === 'text') return text
  if (kind === 'rules') return parseRules(text)
  if (kind === 'list') return text.split(',').map((item) => item.trim()).filter((item) => item !== '')
  if (kind !== 'boolean') return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
  if (/^(true|1|yes|on)$/i.test(text)) return true
  return /^(false|0|no|off)$/i.test(text) ? false : text
}

function parseRules(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function check({ kind, least = -Infinity, most = Infinity }: Setting, name: string, value: unknown): Value {
  if (kind === 'text' && typeof value === 'string') return value
  if (kind === 'list' && Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
  // What is in the rules is checked when all is known.
  if (kind === 'rules' && Array.isArray(value)) return value as readonly QuotaRule[]
  if (kind === 'boolean' && typeof value === 'boolean') return value
  const isNumber = typeof value === 'number' && value >= least && value <= most
  if (kind === 'seconds' && isNumber) return value
  if (kind === 'integer' && isNumber && Number.isInteger(value)) return value
  const allowed = {
    text: 'a text',
    list: 'a list of texts',
    rules: 'a list of rules, in JSON',
    boolean: 'true or false',
    seconds: `a number of seconds from ${least} to ${most}`,
    integer: `a whole number from ${least} to ${most}`,
  }[kind]
  throw new RotundaError('invalid_config', `${name} is ${quote(value)}; it must be ${allowed}.`)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
