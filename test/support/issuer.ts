import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'

/** An issuer of tokens, with its keys at a URL of this machine. */
export class Issuer {
  /** How often its keys were asked for. */
  asked = 0
  /** What it answers with in place of its keys. */
  mistake: { readonly status: number; readonly body: string } | undefined
  readonly #keys: { readonly kid: string; readonly private: CryptoKey; readonly public: object }[] = []
  #server: Server | undefined
  #port = 0

  static async start(): Promise<Issuer> {
    const issuer = new Issuer()
    await issuer.rotate('k1')
    await issuer.listen()
    return issuer
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/jwks.json`
  }

  /** Its public keys. */
  get keys(): { keys: object[] } {
    return { keys: this.#keys.map((key) => key.public) }
  }

  /** Signs with a new key from now on; old ones are no longer at the URL. */
  async rotate(kid: string): Promise<void> {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
    this.#keys.splice(0, Infinity, {
      kid,
      private: privateKey,
      public: { ...await exportJWK(publicKey), kid, alg: 'ES256', use: 'sig' },
    })
  }

  async listen(): Promise<void> {
    this.#server = createServer((_, response) => {
      this.asked += 1
      const { status, body } = this.mistake ?? { status: 200, body: JSON.stringify(this.keys) }
      response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(body)
    })
    await new Promise<void>((resolve) => this.#server!.listen(this.#port, '127.0.0.1', resolve))
    this.#port = (this.#server.address() as AddressInfo).port
  }

  /** Nobody answers any more. */
  async stop(): Promise<void> {
    this.#server?.closeAllConnections()
    await new Promise<void>((resolve) => this.#server === undefined ? resolve() : this.#server.close(() => resolve()))
    this.#server = undefined
  }

  /** A token of its newest key; claims may be replaced, or left out with undefined. */
  sign(claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}): Promise<string> {
    const { kid, private: key } = this.#keys[0]!
    return new SignJWT(fill(claims)).setProtectedHeader({ alg: 'ES256', kid, ...header }).sign(key)
  }
}

/** Seconds since 1970, and so many more. */
export function inSeconds(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds
}

/** The claims of a good token. */
export function fill(claims: Record<string, unknown>): JWTPayload {
  const good = { iss: 'issuer', aud: 'rotunda', sub: 'user-1', iat: inSeconds(0), exp: inSeconds(600) }
  return Object.fromEntries(Object.entries({ ...good, ...claims }).filter(([, value]) => value !== undefined))
}
