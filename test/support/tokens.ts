import { SignJWT } from 'jose'
import { fill, inSeconds } from './issuer.ts'

export { inSeconds }

const SECRET = 'a secret of more than thirty-two bytes'

/** A token that the test servers take, signed with `signed.secret`. */
export function signed(claims: Record<string, unknown> = {}, secret = SECRET): Promise<string> {
  return new SignJWT(fill(claims)).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(secret))
}

signed.secret = SECRET
