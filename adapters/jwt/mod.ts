/**
 * JSON Web Tokens for rotunda: who somebody is, until when, and what is granted to them.
 *
 * @module
 */
export { jwt } from './jwt.ts'
export type { JwtOptions, TokenSource } from './options.ts'
