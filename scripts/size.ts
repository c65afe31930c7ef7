/** Prints what the client costs a page: `bun run size`. Minified, gzipped, without validators. */
import { BUNDLES, bundleSize } from '../test/support/bundle_size.ts'

for (const [name, exports] of Object.entries(BUNDLES)) {
  const bytes = await bundleSize(exports)
  console.log(`${name.padEnd(20)} ${bytes === undefined ? '(not there)' : `${bytes.toLocaleString('en')} bytes`}`)
}
