import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importsOf, typescript } from '../support/source.ts'

test('M3 nothing of OpenTelemetry is loaded by who does not use it: one adapter imports it, and nobody that adapter', () => {
  const files = typescript('src', 'adapters')
  const importing = (what: RegExp) => files.filter((file) => importsOf(file).some((name) => what.test(name)))
  const own = importing(/^@opentelemetry\//).map(({ path }) => path)
  assert.deepEqual(own, ['adapters/opentelemetry/open_telemetry.ts'])
  const others = importing(/opentelemetry|open_telemetry/).map(({ path }) => path)
  assert.deepEqual(others.filter((path) => !path.startsWith('adapters/opentelemetry/')), [])
})
