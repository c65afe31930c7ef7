/**
 * Between whose key it is and the key: who guesses another's key can neither take its place nor learn of it. Not allowed
 * in keys either, and nothing that JSON escapes: stores would take longer.
 */
const SEPARATOR = '\u007f'

/** What makes a producer key its subject's own. Any text can be a subject, also one that no store gives back as it was. */
export function keyOwner(subject: string): string {
  return JSON.stringify(subject).slice(1, -1) + SEPARATOR
}
