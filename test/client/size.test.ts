import assert from 'node:assert/strict'
import test from 'node:test'
import { BUNDLES, bundleSize } from '../support/bundle_size.ts'

test('C6 createClient without validators is at most 6,000 bytes, minified and gzipped', async () => {
  const bytes = await bundleSize(BUNDLES['createClient']!)
  assert.ok(bytes! <= 6_000, `${bytes} bytes`)
})

test('C6 what is not imported costs nothing: the other exports of rotunda/client are left out', async () => {
  const [alone, all] = await Promise.all([
    bundleSize(BUNDLES['createClient']!),
    bundleSize({ 'src/client/mod.ts': ['createClient', 'answer', 'callOpcode'] }),
  ])
  assert.ok(all! > alone! + 300, `${alone} and ${all} bytes`)
})

test('C6 with all transports and an outbox in IndexedDB it is at most 9,000 bytes', async () => {
  const bytes = await bundleSize(BUNDLES['… in IndexedDB']!)
  assert.ok(bytes! <= 9_000, `${bytes} bytes`)
})
