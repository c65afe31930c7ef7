import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { checkFallbackOptions } from '../../src/fallback/options.ts'
import { DEFAULT_LIMITS, loadConfiguration, PRESETS, SETTINGS } from '../../src/mod.ts'

describe('configuration (A5, A6)', () => {
  test('without sources it is the documented defaults', () => {
    const { limits, server, websocket } = loadConfiguration()
    assert.deepEqual(limits, DEFAULT_LIMITS)
    assert.deepEqual([server.port, websocket.port, websocket.enableDeflate], [8080, 9090, false])
    const { maxConnections, maxMessageSize, pingInterval, pongTimeout, idleTimeout } = limits
    assert.deepEqual([maxConnections, maxMessageSize, pingInterval, pongTimeout, idleTimeout], [
      10_000,
      65_536,
      30,
      10,
      600,
    ])
  })

  test('JSON is overridden by the environment, the environment by code, and all override the preset', () => {
    const json = { preset: 'chat', websocket: { pingInterval: 11, pong_timeout: 12, maxMessageSize: 1_000 } }
    const environment = { WEBSOCKET_PONG_TIMEOUT: '5.5', WEBSOCKET_MAX_MESSAGE_SIZE: '2000', SERVER_PORT: '' }
    const { limits, server } = loadConfiguration({ json, environment, code: { 'websocket.maxMessageSize': 3_000 } })
    const { pingInterval, pongTimeout, maxMessageSize, idleTimeout } = limits
    assert.deepEqual([pingInterval, pongTimeout, maxMessageSize, idleTimeout], [
      11,
      5.5,
      3_000,
      PRESETS.chat.idleTimeout,
    ])
    assert.equal(server.port, 8080, 'an empty variable is no value')
  })

  test('every variable the references name is read', () => {
    const { limits, server, websocket } = loadConfiguration({
      environment: {
        SERVER_PORT: '81',
        WEBSOCKET_HOST: '127.0.0.1',
        WEBSOCKET_PORT: '91',
        WEBSOCKET_ORIGINS: 'https://a.example, https://*.b.example,',
        WEBSOCKET_TRUST_PROXY: '2',
        WEBSOCKET_MAX_MESSAGE_SIZE: '4096',
        WEBSOCKET_IDLE_TIMEOUT: '99',
        WEBSOCKET_ENABLE_DEFLATE: 'true',
        WEBSOCKET_AUTO_PING_PONG: 'false',
      },
    })
    assert.deepEqual(server.port, 81)
    assert.deepEqual(websocket, {
      host: '127.0.0.1',
      port: 91,
      origins: ['https://a.example', 'https://*.b.example'],
      trustProxy: 2,
      enableDeflate: true,
      drain: 0,
    })
    assert.equal('origins' in loadConfiguration({ environment: { WEBSOCKET_ORIGINS: '' } }).websocket, false)
    assert.deepEqual(loadConfiguration({ json: { websocket: { origins: ['*'] } } }).websocket.origins, ['*'])
    assert.throws(() => loadConfiguration({ json: { websocket: { origins: [7] } } }), { code: 'invalid_config' })
    assert.deepEqual([limits.maxMessageSize, limits.idleTimeout, limits.pingInterval], [4_096, 99, 0])
    assert.equal(loadConfiguration({ environment: { WEBSOCKET_PING_INTERVAL: '7' } }).limits.pingInterval, 7)
  })

  test('M4 quotas are configured like everything else, in JSON or as JSON', () => {
    const rules = [{
      metric: 'messages',
      window: 10,
      limit: 100,
      soft: 50,
      action: 'terminate',
      types: ['chat.message'],
    }]
    const none = loadConfiguration()
    assert.deepEqual([none.quotas, none.quotaMode], [[], 'enforce'])
    assert.deepEqual(loadConfiguration({ json: { quotas: { rules } } }).quotas, rules)
    const environment = { QUOTAS_RULES: JSON.stringify(rules), QUOTAS_PERMISSIVE: 'true' }
    const { quotas, quotaMode } = loadConfiguration({ json: { quotas: { rules: [] } }, environment })
    assert.deepEqual([quotas, quotaMode], [rules, 'permissive'])
  })

  test('the fallback is configured like everything else, and what serve is given is what it would do unasked', () => {
    const { fallback } = loadConfiguration()
    const { origins: _none, ...defaults } = checkFallbackOptions({})
    assert.deepEqual(fallback, { ...defaults, shared: false })
    const json = { fallback: { maxWait: 20, mailbox: 10, max_mailboxes: 5 } }
    const environment = {
      FALLBACK_TTL: '90.5',
      FALLBACK_MAX_WAIT: '30',
      FALLBACK_ORIGINS: 'https://a.example',
      FALLBACK_SHARED: 'true',
    }
    assert.deepEqual(loadConfiguration({ json, environment, code: { 'fallback.heartbeat': 5 } }).fallback, {
      ttl: 90.5,
      mailbox: 10,
      maxWait: 30,
      heartbeat: 5,
      origins: ['https://a.example'],
      shared: { maxMailboxes: 5 },
    })
    assert.equal(loadConfiguration({ environment: { FALLBACK_ENABLED: 'false' } }).fallback, false)
  })

  for (const preset of Object.keys(PRESETS) as (keyof typeof PRESETS)[]) {
    test(`preset ${preset} is a valid configuration`, () => {
      assert.deepEqual(loadConfiguration({ preset }).limits, { ...DEFAULT_LIMITS, ...PRESETS[preset] })
      assert.deepEqual(loadConfiguration({ environment: { ROTUNDA_PRESET: preset } }), loadConfiguration({ preset }))
    })
  }

  const refused: [string, Parameters<typeof loadConfiguration>[0], RegExp][] = [
    ['not an object', { json: [] }, /must be a JSON object/],
    ['a section that is not an object', { json: { websocket: 5 } }, /websocket must be a JSON object/],
    [
      'an unknown setting',
      { json: { websocket: { maxMesageSize: 1 } } },
      /websocket.maxMesageSize is not a setting.*maxMessageSize/,
    ],
    [
      'a wrong kind',
      { json: { websocket: { port: '9090' } } },
      /websocket.port is "9090"; it must be a whole number from 0 to 65535/,
    ],
    [
      'out of range',
      { environment: { WEBSOCKET_PORT: '70000' } },
      /WEBSOCKET_PORT is "70000"; it must be a whole number/,
    ],
    ['not a number', { environment: { SERVER_PORT: 'eighty' } }, /SERVER_PORT is "eighty"/],
    [
      'not a boolean',
      { environment: { WEBSOCKET_ENABLE_DEFLATE: 'perhaps' } },
      /WEBSOCKET_ENABLE_DEFLATE is "perhaps"; it must be true or false/,
    ],
    ['an unknown preset', { json: { preset: 'fast' } }, /preset is "fast"; it must be one of: standard/],
    [
      'quotas that are no JSON',
      { environment: { QUOTAS_RULES: 'x' } },
      /QUOTAS_RULES is "x"; it must be a list of rules/,
    ],
    ['quotas that are no list', { json: { quotas: { rules: {} } } }, /quotas.rules is "an object"; it must be a list/],
    [
      'a quota of an unknown metric',
      { environment: { QUOTAS_RULES: '[{"metric":"cpu","window":1,"limit":1}]' } },
      /quotas\[0\]\.metric is "cpu"; it must be one of messages, bytesIn, bytesOut/,
    ],
    [
      'a quota that the largest frame cannot pass',
      { code: { 'quotas.rules': [{ metric: 'bytesIn', window: 1, limit: 999 }], 'websocket.maxMessageSize': 1_000 } },
      /quotas\[0\]\.limit is "999"; it must be a whole number from limits.maxMessageSize, 1000/,
    ],
    [
      'a poll that waits too long',
      { environment: { FALLBACK_MAX_WAIT: '601' } },
      /FALLBACK_MAX_WAIT is "601"; it must be a number of seconds from 0 to 600/,
    ],
    ['given twice', { json: { websocket: { pingInterval: 1, ping_interval: 2 } } }, /given twice/],
    ['contradicting pings', { json: { websocket: { autoPingPong: false, pingInterval: 5 } } }, /leave one of them out/],
    [
      'contradicting buffers',
      { code: { 'websocket.highWaterMark': 200_000, 'websocket.hardLimit': 100_000 } },
      /highWaterMark is 200000/,
    ],
    [
      'contradicting timeouts',
      { json: { websocket: { idleTimeout: 10 } } },
      /idleTimeout is 10, and limits.pingInterval 30/,
    ],
    ['an unknown path in code', { code: { 'websocket.nope': 1 } }, /websocket.nope is not a setting/],
  ]
  for (const [name, sources, message] of refused) {
    test(`refused, by name and with what is allowed: ${name}`, () => {
      assert.throws(() => loadConfiguration(sources), { code: 'invalid_config', message })
    })
  }

  test('an empty preset is none, code may use snake_case, and the default database needs no token', () => {
    assert.deepEqual(loadConfiguration({ environment: { ROTUNDA_PRESET: '' } }), loadConfiguration())
    const { database } = loadConfiguration({ code: { 'database.auth_token': 't' } })
    assert.deepEqual(database, { url: 'file:data/rotunda.db', authToken: 't' })
    assert.deepEqual(loadConfiguration().database, { url: 'file:data/rotunda.db' })
  })

  test('sections of other modules are left alone', () => {
    assert.doesNotThrow(() => loadConfiguration({ json: { logging: { level: 'debug' }, websocket: {} } }))
  })

  test('the table in docs/configuration.md is the schema', () => {
    const page = readFileSync(fileURLToPath(import.meta.resolve('../../docs/configuration.md')), 'utf8')
    const rows = page.split('\n').filter((line) => line.startsWith('| `')).map((line) =>
      line.split('|').slice(1, -1).map((cell) => cell.trim())
    )
    const expected = SETTINGS.map(({ path, variable, kind, least, most, standard, meaning }) => [
      `\`${path}\``,
      `\`${variable}\``,
      least === undefined ? kind : `${kind}, ${least} to ${most}`,
      standard === '' ? 'none' : `\`${standard}\``,
      meaning,
    ])
    assert.deepEqual(rows, expected)
  })
})
