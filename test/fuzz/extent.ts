import process from 'node:process'

const frames = process.env['ROTUNDA_FUZZ_FRAMES']
/** How many frames of each kind; `bun run fuzz` makes a million. */
export const FRAMES = Number(frames ?? 50_000)
/** Somebody is there who wants to read what came of it. */
export const IS_LONG = frames !== undefined
/** A failure names its seed; `ROTUNDA_SEED` runs it again. */
export const SEED = Number(process.env['ROTUNDA_SEED'] ?? Date.now() % 4_294_967_296)
/** Bytes. If a quarter of what passes in CI were kept, it would be more. */
export const GROWTH = 4 * 1024 * 1024
